"""Writes src/tidegate/cli/sample/prospects.csv: the demo's prospects, in the shape of an outreach tool's export.

Everybody in it is invented, every address is under example.com, example.org or example.net, every phone number is from
a range kept for fiction. The same script always writes the same file: python tools/make_sample_prospects.py
"""

import csv
import random
import unicodedata
from datetime import date, timedelta
from pathlib import Path

TARGET = Path(__file__).parents[1] / "src" / "tidegate" / "cli" / "sample" / "prospects.csv"
ROWS = 500
COMPANIES = 200

# Country, phone prefix, legal form, first names, last names, words that companies there call themselves by.
REGIONS = (
    (
        "Portugal", "+351 21 555 01", "Lda",
        "Inês Rui Tiago Mafalda Duarte Leonor Vasco Beatriz Nuno Carolina",
        "Carvalho Pestana Almeida Figueira Sequeira Lobo Mourão Teixeira Valente Brandão",
        "Brightwater Farol Maré Cortiça Ladeira Ribeira Azulejo Horizonte",
    ),
    (
        "Germany", "+49 30 555 01", "GmbH",
        "Jürgen Anke Matthias Käthe Lukas Friederike Holger Wiebke Sönke Ulrike",
        "Brunnert Köhlmann Vossberg Lindhorst Großmüller Tannert Reinshagen Öhlert Wiesbach Harkort",
        "Steinbrück Nordwerk Kettler Rheinfalz Schaltbau Lichtung Werkbank Halbleiter",
    ),
    (
        "Finland", "+358 9 555 01", "Oy",
        "Aino Otso Jari Signe Elina Väinö Marjatta Pekka Oona Tuomas",
        "Virtasalo Rinnemaa Lehtolainen Aaltola Koskimies Hämärä Järvinpää Saarenheimo Mäntylä Kuusela",
        "Lumipuu Suopursu Polarnote Havu Revontuli Kaislikko Jäätie Tuohi",
    ),
    (
        "Sweden", "+46 8 555 01", "AB",
        "Björn Astrid Måns Linnéa Håkan Ebba Sixten Tuva Örjan Klara",
        "Dahlström Ekwall Åkerlind Sjöquist Norrby Lövgren Strandmark Hellsten Wikander Öberg",
        "Kajplats Fjällvind Bryggan Kontrast Tallkotte Vattenväg Styrbord Glöd",
    ),
    (
        "United Kingdom", "+44 20 7946 0", "Ltd",
        "Freya Callum Imogen Rhys Priya Alasdair Nerys Tobias Saoirse Gareth",
        "Hollins Thackeray Penhale Ramanathan Ashdown MacCorrie Wyndham Pryce Larkham O'Dell",
        "Looplane Tidewell Marlstone Copperfen Hartwick Quayside Penrose Saltmarsh",
    ),
    (
        "Spain", "+34 91 555 01", "SL",
        "Nuria Iñigo Pilar Álvaro Begoña Ximena Jordi Rocío Martín Amaia",
        "Ibáñez Peñalver Montalbán Echeverría Castellote Urrutia Sanjuán Cabañas Lafuente Zúñiga",
        "Ventisca Almazara Puertolargo Cumbre Solana Tramontana Esparto Ribazo",
    ),
    (
        "Poland", "+48 22 555 01", "Sp. z o.o.",
        "Łucja Wojciech Żaneta Bartosz Grażyna Michał Świętosława Paweł Zofia Krzysztof",
        "Brzeziński Żurawska Kołodziejek Wiśnicka Gąsior Mączyński Ślązak Podgórna Wróbel Dąbek",
        "Bursztyn Kuźnia Zielonka Przystań Wierzba Szczyt Iskra Mostowa",
    ),
    (
        "United States", "+1 212 555 01", "Inc",
        "Darnell Quinn Marisol Everett Shanice Boyd Noelle Harlan Tamika Wes",
        "Abernathy Castellanos Whitlock Okafor Dunleavy Prewitt Lindgren Vasquez Holcomb Treadway",
        "Cedarline Bluestack Ironwood Prairie Northgate Fulcrum Summitry Anchorage",
    ),
)  # fmt: skip
TRADES = (
    "Data",
    "Logistics",
    "Studio",
    "Systems",
    "Foods",
    "Works",
    "Analytics",
    "Energy",
    "Labs",
    "Partners",
)
POSITIONS = (
    "CEO", "Founder", "COO", "CTO", "Head of Operations", "Head of Sales", "VP Sales", "Marketing Manager",
    "Product Lead", "Sales Director", "Office Manager", "Purchasing Manager", "HR Manager", "Customer Success Lead",
)  # fmt: skip
INDUSTRIES = (
    "Software",
    "Manufacturing",
    "Logistics",
    "Food and drink",
    "Energy",
    "Professional services",
    "Retail",
)
LISTS = ("Nordic SaaS founders", "DACH manufacturing", "Webinar sign-ups, March", "Newsletter replies")
NOTES = (
    "Met at the spring fair, asked for the case study.",
    "Uses a spreadsheet for hand-overs today.",
    "Prefers e-mail over calls.",
    "Wants a quote for two teams, not one.",
    "Moved here from a competitor last year.",
)
STATUSES = ("Valid", "Valid", "Valid", "Valid", "Unverified", "Unverifiable", "Invalid")
HEADER = (
    "First name", "Last name", "Email", "Company name", "Job position", "Phone", "LinkedIn URL", "Country", "List",
    "Email status", "Team size", "Last contacted", "Industry", "Newsletter", "Website", "Notes",
)  # fmt: skip


def main() -> None:
    dice = random.Random(20260301)  # noqa: S311 (the same file every time is the point)
    companies = make_companies(dice)
    people = make_people(dice, companies)
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    with TARGET.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(people)
    print(f"{len(people)} rows of {len(companies)} companies in {TARGET}")


def make_companies(dice: random.Random) -> list[dict[str, str]]:
    companies: dict[str, dict[str, str]] = {}
    while len(companies) < COMPANIES:
        region = REGIONS[len(companies) % len(REGIONS)]
        stem, trade = dice.choice(region[5].split()), dice.choice(TRADES)
        name = f"{stem} {trade} {region[2]}"
        site = f"{plain(stem)}-{plain(trade)}.example.{dice.choice(('com', 'org', 'net'))}"
        companies.setdefault(
            name,
            {
                "name": name,
                "site": site,
                "country": region[0],
                "industry": dice.choice(INDUSTRIES),
                "size": str(dice.choice((8, 15, 22, 40, 85, 120, 260, 740))),
            },
        )
    return list(companies.values())


def make_people(dice: random.Random, companies: list[dict[str, str]]) -> list[list[str]]:
    regions = {region[0]: region for region in REGIONS}
    people: dict[str, list[str]] = {}
    number = 0
    while len(people) < ROWS:
        # Everybody has a company that others may have too; each company has somebody.
        company = companies[number] if number < len(companies) else dice.choice(companies)
        number += 1
        region = regions[company["country"]]
        first, last = dice.choice(region[3].split()), dice.choice(region[4].split())
        email = f"{plain(first)}.{plain(last)}@{company['site']}"
        people.setdefault(email, make_row(dice, region, company, first, last, email))
    return list(people.values())


def make_row(
    dice: random.Random, region: tuple[str, ...], company: dict[str, str], first: str, last: str, email: str
) -> list[str]:
    contacted = date(2026, 1, 5) + timedelta(days=dice.randrange(120))
    return [
        first,
        last,
        email,
        company["name"],
        dice.choice(POSITIONS),
        f"{region[1]}{dice.randrange(100):02}" if dice.random() < 0.7 else "",
        f"https://social.example.com/in/{plain(first)}-{plain(last)}-{dice.randrange(1000)}"
        if dice.random() < 0.6
        else "",
        company["country"],
        "; ".join(sorted(lists_for(dice, company))),
        dice.choice(STATUSES),
        company["size"],
        contacted.isoformat() if dice.random() < 0.5 else "",
        company["industry"],
        dice.choice(("yes", "no")),
        f"https://www.{company['site']}",
        dice.choice(NOTES) if dice.random() < 0.15 else "",
    ]


def lists_for(dice: random.Random, company: dict[str, str]) -> set[str]:
    home = {"Finland": LISTS[0], "Sweden": LISTS[0], "Germany": LISTS[1], "Poland": LISTS[1]}
    chosen = {home.get(company["country"], LISTS[2])}
    if dice.random() < 0.15:
        chosen.add(LISTS[3])
    return chosen


def plain(text: str) -> str:
    """Small letters and digits, as in an address."""
    spread = unicodedata.normalize(
        "NFKD", text.lower().replace("ß", "ss").replace("ł", "l").replace("ø", "o")
    )
    return "".join(char for char in spread if char.isascii() and char.isalnum())


if __name__ == "__main__":
    main()
