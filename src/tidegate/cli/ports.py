"""Whether a port is free, asked before anything is started, so that the answer names the setting to change."""

import socket

from tidegate.errors import ConfigurationError


def require_free_port(address: str, port: int, setting: str) -> None:
    """Raise ConfigurationError when this port can't be listened on."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except PermissionError:
            reason = f"Port {port} needs more rights than this user has"
        except OverflowError:
            reason = f"{port} is not a port"
        except OSError as error:
            reason = (
                f"Port {port} at {address} is in use"
                if error.errno == 98
                else f"{address}:{port}: {error.strerror}"
            )
        else:
            return
    raise ConfigurationError(
        f"{reason}. Choose another: {setting}={min(port + 1, 65535) if port > 1023 else port + 8000}"
    )
