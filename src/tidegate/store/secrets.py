"""Tokens at rest: encrypted with the first key, readable with any of them, so that keys can be rotated (ADR 0007)."""

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from tidegate.config import config
from tidegate.errors import ConfigurationError


def _box() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in config.encryption_keys])


def encrypt(plain: str) -> bytes:
    return _box().encrypt(plain.encode())


def decrypt(sealed: bytes | memoryview) -> str:
    """Raises ConfigurationError where no configured key opens it."""
    try:
        return _box().decrypt(bytes(sealed)).decode()
    except InvalidToken as error:
        raise ConfigurationError(
            "TIDEGATE_ENCRYPTION_KEYS holds no key that opens the stored tokens. Add the key they were sealed with behind "
            "the new one. Example: TIDEGATE_ENCRYPTION_KEYS=new-key,old-key"
        ) from error
