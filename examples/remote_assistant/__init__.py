"""An assistant behind a WebSocket, with one session for each connection."""
