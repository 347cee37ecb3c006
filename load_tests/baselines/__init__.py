"""What people would write instead: measured in the same run as our own figure."""
