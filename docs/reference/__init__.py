"""The reference: one module per page, each made from the code it describes, so that it cannot be out of date."""
