"""The outside doors: command line, gateway, link, custody."""
