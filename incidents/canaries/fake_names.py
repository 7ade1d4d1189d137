"""Names of canaries: common names in the language of their number's country."""

from __future__ import annotations

import secrets

from babel import Locale, UnknownLocaleError

_FIRST_NAMES = {
    "en": "Oliver George Harry Jack Thomas James William Charlie Amelia Olivia Emily Grace Sophie"
    " Lucy Margaret Susan David Peter Helen Ruth",
    "de": "Lukas Jonas Paul Felix Maximilian Thomas Andreas Stefan Anna Laura Julia Sabine Petra"
    " Monika Claudia Katharina Jürgen Werner Ursula Renate",
    "es": "Antonio Manuel José Javier Daniel Carlos Miguel Alejandro María Carmen Ana Isabel Laura"
    " Cristina Marta Lucía Pilar Rosa Elena Teresa",
    "fr": "Jean Pierre Michel Philippe Nicolas Julien Thomas Antoine Marie Nathalie Isabelle Sophie"
    " Camille Julie Claire Monique Françoise Catherine Hélène Louise",
    "it": "Giuseppe Giovanni Antonio Mario Luigi Marco Andrea Francesco Maria Anna Giulia Rosa"
    " Angela Francesca Laura Elena Chiara Paola Silvia Teresa",
    "nl": "Jan Piet Kees Willem Henk Daan Sem Bram Anna Maria Johanna Emma Julia Sanne Lotte"
    " Femke Marijke Ingrid Els Anneke",
    "pl": "Jan Piotr Andrzej Krzysztof Tomasz Paweł Marcin Adam Anna Maria Katarzyna Agnieszka"
    " Barbara Ewa Krystyna Zofia Magdalena Joanna Monika Danuta",
    "pt": "João José António Pedro Paulo Carlos Luís Miguel Maria Ana Sofia Mariana Beatriz Inês"
    " Teresa Helena Fátima Rosa Isabel Catarina",
}
_LAST_NAMES = {
    "en": "Smith Jones Taylor Brown Williams Wilson Johnson Davies Robinson Wright Thompson Evans"
    " Walker White Roberts Green Hall Wood Jackson Clarke",
    "de": "Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch"
    " Bauer Richter Klein Wolf Schröder Neumann Schwarz Zimmermann",
    "es": "García Rodríguez González Fernández López Martínez Sánchez Pérez Gómez Martín Jiménez"
    " Ruiz Hernández Díaz Moreno Muñoz Álvarez Romero Alonso Navarro",
    "fr": "Martin Bernard Thomas Petit Robert Richard Durand Dubois Moreau Laurent Simon Michel"
    " Lefebvre Leroy Roux David Bertrand Morel Fournier Girard",
    "it": "Rossi Russo Ferrari Esposito Bianchi Romano Colombo Ricci Marino Greco Bruno Gallo Conti"
    " Costa Giordano Mancini Rizzo Lombardi Moretti Barbieri",
    "nl": "Jansen Bakker Visser Smit Meijer Mulder Bos Vos Peters Hendriks Dekker Brouwer Dijkstra"
    " Smits Kok Jacobs Vermeulen Schouten Willems Hoekstra",
    "pl": "Nowak Wójcik Kowalczyk Woźniak Mazur Krawczyk Zając Król Wieczorek Jabłoński Wróbel"
    " Stępień Górski Pawlak Michalak Sikora Baran Duda Szewczyk Pietrzak",
    "pt": "Silva Santos Ferreira Pereira Oliveira Costa Rodrigues Martins Sousa Fernandes Lopes"
    " Marques Gomes Alves Almeida Ribeiro Pinto Carvalho Teixeira Correia",
}
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"


def get_region_language(region: str) -> str:
    """Return the most spoken language of a country (ISO 3166), or English if it is unknown."""
    try:
        return Locale.parse(f"und_{region}").language
    except (ValueError, UnknownLocaleError):
        return "en"


def generate_fake_name(language: str) -> str:
    """Return a random first and last name."""
    spoken = language if language in _FIRST_NAMES else "en"
    return " ".join(secrets.choice(names[spoken].split()) for names in (_FIRST_NAMES, _LAST_NAMES))


def fill_reference_pattern(pattern: str) -> str:
    """Fill a reference pattern: ``#`` is a digit, ``?`` a letter, everything else is kept."""
    digits = (secrets.choice("0123456789") if c == "#" else c for c in pattern)
    return "".join(secrets.choice(LETTERS) if c == "?" else c for c in digits)
