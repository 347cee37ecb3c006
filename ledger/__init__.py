"""What was asked, what happened, who owns what."""
