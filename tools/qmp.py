"""QEMU's machine protocol: one JSON object per line, over a socket."""
import json

from common import ToolError


class Qmp:
    """A connection to QEMU's monitor."""

    def __init__(self, sock):
        self._sock = sock
        self._sock.settimeout(20)
        self._reader = sock.makefile('r', encoding='utf-8')
        self.events = []
        # Without this greeting QEMU sends neither answers nor events.
        self._send('qmp_capabilities', {})
        self._greeted = False

    def _answer(self):
        """The next answer; events on the way are kept."""
        while True:
            try:
                line = self._reader.readline()
            except OSError as error:
                raise ToolError(f"QEMU's monitor: {error}") from error
            if not line:
                raise ToolError("QEMU's monitor is closed: QEMU has ended")
            message = json.loads(line)
            if 'event' in message:
                self.events.append(message)
            elif 'QMP' not in message:
                return message

    def _send(self, execute, arguments):
        request = {'execute': execute, 'arguments': arguments}
        self._sock.sendall(json.dumps(request).encode() + b'\n')

    def run(self, execute, arguments):
        """Run one command; its result."""
        if not self._greeted:
            self._greeted = True
            self._answer()
        self._send(execute, arguments)
        message = self._answer()
        if 'error' in message:
            raise ToolError(f'QEMU: {execute}: {message["error"]["desc"]}')
        return message['return']

    def remaining_events(self):
        """All events, once QEMU has ended."""
        try:
            for line in self._reader:
                message = json.loads(line)
                if 'event' in message:
                    self.events.append(message)
        except (OSError, ValueError):
            pass
        return self.events

    def close(self):
        """Close the connection."""
        self._reader.close()
        self._sock.close()
