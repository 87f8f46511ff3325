"""The currencies an account knows: code, name, symbol and decimals."""

from pipedrive_sandbox.answers import Body

CURRENCIES: dict[str, tuple[str, str, int]] = {
    "AUD": ("Australian Dollar", "A$", 2),
    "BRL": ("Brazilian Real", "R$", 2),
    "CAD": ("Canadian Dollar", "CA$", 2),
    "CHF": ("Swiss Franc", "CHF", 2),
    "CZK": ("Czech Koruna", "Kč", 2),
    "DKK": ("Danish Krone", "kr", 2),
    "EUR": ("Euro", "€", 2),
    "GBP": ("British Pound Sterling", "£", 2),
    "INR": ("Indian Rupee", "₹", 2),
    "JPY": ("Japanese Yen", "¥", 0),
    "NOK": ("Norwegian Krone", "kr", 2),
    "NZD": ("New Zealand Dollar", "NZ$", 2),
    "PLN": ("Polish Zloty", "zł", 2),
    "SEK": ("Swedish Krona", "kr", 2),
    "USD": ("US Dollar", "$", 2),
}


def shown(number: int, code: str) -> Body:
    name, symbol, decimals = CURRENCIES[code]
    return {
        "id": number,
        "code": code,
        "name": name,
        "decimal_points": decimals,
        "symbol": symbol,
        "active_flag": True,
        "is_custom_flag": False,
    }
