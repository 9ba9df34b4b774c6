"""What the conversational examples share: the terminal, the web page, their options."""
