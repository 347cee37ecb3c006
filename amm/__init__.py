"""Pool arithmetic everyone trusts; imports nothing of ours."""
