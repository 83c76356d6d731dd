"""What consent tools say."""
