"""A made-up language: a complete folder, beside copies of the real ones."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from config.languages import registry

#: Each message is said in English with this before it.
PREFIX = "Zu "
#: Its words begin with this, so that they are none of a real language.
STEM = "zuzu"
#: Enough for a test that looks at none of them in particular.
FEW_MESSAGES = 30
_COMMAND = re.compile(r"\b(?=(?:CHECK|SCAM|MOVE|REFUSE|PHRASE|PAGE)\b)")
_LANGUAGE = """
direction = "{direction}"
[dates]
day_time = "d. MMM, EEE, HH:mm"
day_time_year = "d. MMM y, EEE, HH:mm"
full_date = "y MMMM d"
[voice]
tag = "{tag}-001"
[voice.providers]
twilio = "{tag}-Zu"
"""
_WORDS = """
carriers = ["zuzustop"]
[commands]
check = ["zuzucheck"]
scam = ["zuzuscam"]
move = ["ZÚZUmove"]
refuse = ["zuzurefuse"]
phrase = ["zuzuphrase"]
page = ["zuzupage"]
[answers]
skip = ["zuzuskip"]
none = ["zuzunone"]
hidden = ["zuzuhidden"]
[answers.knew]
name = ["zuzuname"]
phone = ["zuzuphone"]
ticket = ["zuzuticket"]
product = ["zuzuproduct"]
address = ["zuzuaddress"]
"""
REPLY_WORDS = [f"zu{one}{two}" for one in "bcdfghjklm" for two in "bcdfghjklm"]
NAMES = [f'"Zu{one}{two}"' for one in "bcdfg" for two in "bcdf"]


def make_languages_folder(top: Path, *, messages: int | None = None) -> Path:
    """Copy the folders of our languages; return the folder that holds them. With few ``messages``
    there is less to read: only those are in the template, and no real language has a catalogue."""
    skipped = shutil.ignore_patterns("LC_MESSAGES") if messages else None
    languages = Path(shutil.copytree(registry.FOLDER, top / "languages", ignore=skipped))
    if messages:
        _shorten_template(languages / "messages.pot", messages)
    return languages


def _shorten_template(path: Path, messages: int) -> None:
    with path.open("rb") as file:
        catalogue = read_po(file)
    plain = sorted(m.id for m in catalogue if m.id and isinstance(m.id, str))
    plural = sorted(m.id for m in catalogue if not isinstance(m.id, str))
    for message in [*plain[messages - 1 :], *plural[1:]]:
        catalogue.delete(message)
    with path.open("wb") as file:
        write_po(file, catalogue)


def add_language(languages: Path, code: str, direction: str = "ltr") -> Path:
    """Add a complete language; return its folder."""
    folder = languages / code
    (folder / "LC_MESSAGES").mkdir(parents=True)
    tag = code.replace("_", "-")
    (folder / "language.toml").write_text(_LANGUAGE.format(direction=direction, tag=tag))
    (folder / "words.toml").write_text(_WORDS)
    (folder / "reply_words.txt").write_text("\n".join(REPLY_WORDS))
    names = ", ".join(NAMES)
    (folder / "names.toml").write_text(f"first = [{names}]\nlast = [{names}]\n")
    translate_all(folder)
    return folder


def translate_all(folder: Path) -> None:
    """Write and compile a catalogue that says everything."""
    with (folder.parent / "messages.pot").open("rb") as file:
        catalogue = read_po(file, locale=folder.name)
    catalogue.fuzzy = False
    for message in catalogue:
        if message.id:
            forms = [message.id] if isinstance(message.id, str) else list(message.id)
            said = [f"{PREFIX}{_COMMAND.sub(STEM.upper(), forms[-1])}"] * (
                1 if len(forms) == 1 else catalogue.num_plurals
            )
            message.string = said[0] if len(forms) == 1 else tuple(said)
    with (folder / "LC_MESSAGES/messages.po").open("wb") as file:
        write_po(file, catalogue)
    compile_catalogue(folder)


def compile_catalogue(folder: Path) -> None:
    """Compile what is written, as ``make translations`` does."""
    with (folder / "LC_MESSAGES/messages.po").open("rb") as file:
        catalogue = read_po(file, locale=folder.name)
    with (folder / "LC_MESSAGES/messages.mo").open("wb") as file:
        write_mo(file, catalogue)


def edit(path: Path, old: str, new: str) -> None:
    """Replace what occurs in a file, once."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
