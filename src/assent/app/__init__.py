"""The ways in: gateway, settings for browser libraries, management API, command line."""
