"""The words that Joomla's language packs put around an article: 'Written by', 'Read more', 'Page 1 of 10'.

Wordings are those of the packs' com_content files, and of Joomla 1.5 where that differs.
"""

import functools
import re
from dataclasses import dataclass
from typing import Final

from newsletter.appeals.dates import written_language
from newsletter.appeals.letters import fold, listed

# Before the author's name; a wording that languages share names them all, and the date decides.
_AUTHOR_BEFORE: Final = (
    ("Written by", "en"),
    ("Author:", "en"),
    ("Écrit par", "fr"),
    ("Auteur :", "fr nl"),
    ("Escrito por", "es pt"),
    ("Autor:", "es pt de pl"),
    ("Geschrieben von", "de"),
    ("Verfasst von", "de"),
    ("Scritto da", "it"),
    ("Autore:", "it"),
    ("Geschreven door", "nl"),
    ("Автор", "ru uk kk"),
    ("Написал", "ru"),
    ("Написав", "uk"),
    ("Жазған", "kk"),
    ("Авторы:", "kk"),
    ("Γράφτηκε από τον/την", "el"),
    ("Συντάχθηκε από τον/την", "el"),
    ("Γράφτηκε από", "el"),
    ("Wpisany przez", "pl"),
    ("Napisany przez", "pl"),
    ("Yazan", "tr"),
    ("Yazar", "tr"),
    ("كتب بواسطة", "ar"),
    ("كتبه", "ar"),
    ("كتبها", "ar"),
    ("الكاتب", "ar"),
    ("نوشته شده توسط", "fa"),
    ("نویسنده", "fa"),
    ("نووسراوە لەلایەن", "ckb"),
    ("Nivîskar", "ku"),
    ("Ji aliyê", "ku"),
    ("Skriven av", "sv"),
    ("Skrevet af", "da"),
)
_AUTHOR_AFTER: Final = (
    ("tarafından yazıldı", "tr"),
    ("ve hatiye nivîsandin", "ku"),
    ("ve hate nivîsandin", "ku"),
)
_UPDATED: Final = (
    "Last Updated",
    "Last Modified",
    "Mis à jour",
    "Dernière mise à jour",
    "Última actualización",
    "Actualizado",
    "Zuletzt aktualisiert",
    "Aktualisiert",
    "Ultima modifica",
    "Ultimo aggiornamento",
    "Última atualização",
    "Última actualização",
    "Laatst bijgewerkt",
    "Laatst aangepast",
    "Обновлено",
    "Последнее обновление",
    "Poprawiono",
    "Zmieniony",
    "Τελευταία ενημέρωση",
    "Son Güncelleme",
    "حدث بتاريخ",
    "آخر تحديث",
    "آخرین به روز رسانی",
    "آخرین بروزرسانی",
)
_READ_MORE: Final = (
    "Read more",
    "Register to read more",
    "Lire la suite",
    "Leer más",
    "Weiterlesen",
    "Leggi tutto",
    "Leia mais",
    "Ler mais",
    "Lees meer",
    "Lees verder",
    "Подробнее",
    "Читать далее",
    "Детальніше",
    "Докладніше",
    "Czytaj więcej",
    "Więcej",
    "Διαβάστε περισσότερα",
    "Περισσότερα",
    "Devamını oku",
    "اقرأ المزيد",
    "ادامه مطلب",
    "Толығырақ",
    "Bêtir bixwîne",
    "Läs mer",
    "Læs mere",
)
NEXT: Final = frozenset(
    fold(word)
    for word in listed(
        "Next Suivant Suivante Siguiente Weiter Nächste Avanti Succ Successivo Próximo Próxima Seguinte Próx Volgende "
        "Следующая Следующий Вперед Вперёд Наступна Вперед Dalej Następny Następna Επόμενο Επόμενη Sonraki İleri "
        "التالي التالى بعدی بعد Келесі Алға Pêş Nästa Næste > » › >>"
    )
)
_NAVIGATION: Final = NEXT | frozenset(
    fold(word)
    for word in listed(
        "Start Prev Previous End Début Précédent Fin Inicio Anterior Final Zurück Ende Anfang Inizio Indietro Prec "
        "Fine Início Fim Vorige Einde Первая Предыдущая Последняя Назад Начало Конец Başlangıç Önceki Son البداية "
        "السابق النهاية شروع قبلی پایان Αρχή Προηγούμενο Τέλος Poprzedni Koniec « ‹ < <<"
    )
)
_PAGE_OF: Final = re.compile(
    fold(
        r"(?:page|pagina|página|seite|страница|сторінка|бет|strona|sayfa|σελίδα|صفحه|الصفحة|صفحة|rûpel|sida|side)\s*\d+\s*"
    )
    + fold(r"(?:of|de|sur|von|di|van|из|зі|з|z|από|من|از|ji|av|af|/)\s*\d+")
)
_RESULTS_OF: Final = re.compile(r"\w+:?\s*\d+\s*-\s*\d+\s*\w+\s*\d+")  # Results 1 - 7 of 63


@dataclass(frozen=True, kw_only=True)
class Signature:
    """What a 'Written by' line says.

    Attributes:
        said: the name, with what else stands on the line: often a date.
        languages: in which this wording is at home.
    """

    said: str
    languages: tuple[str, ...]

    @property
    def language(self) -> str:
        """The language of the wording; where several share it, the one that the date's month is in."""
        return written_language(self.said, self.languages)


def signature(line: str) -> Signature | None:
    """Read a line that says who wrote an article: 'Written by NAME', 'NAME tarafından yazıldı'."""
    folded = fold(line)
    if not _any_wording().search(folded):
        return None
    for pattern, languages in _before():
        if found := pattern.match(folded):
            rest = line[found.end() :].strip()
            return Signature(said=_without_after(rest), languages=languages)
    for phrase, language in _AUTHOR_AFTER:
        if fold(phrase) in folded:
            return Signature(said=_without_after(line.strip()), languages=(language,))
    return None


def _without_after(text: str) -> str:
    for phrase, _ in _AUTHOR_AFTER:
        at = fold(text).find(fold(phrase))
        if at >= 0:
            text = f"{text[:at].rstrip()} {text[at + len(phrase) :].lstrip(' .')}".strip()
    return text


@functools.cache
def _any_wording() -> re.Pattern[str]:
    """Build what tells at once that a line is none; most are."""
    before = (re.escape(fold(label.split()[0].rstrip(":"))) for label, _ in _AUTHOR_BEFORE)
    after = (re.escape(fold(phrase)) for phrase, _ in _AUTHOR_AFTER)
    return re.compile(rf"^\s*(?:{'|'.join(before)})|{'|'.join(after)}")


@functools.cache
def _before() -> tuple[tuple[re.Pattern[str], tuple[str, ...]], ...]:
    patterns = []
    for label, languages in _AUTHOR_BEFORE:
        words = r"\s+".join(map(re.escape, fold(label.rstrip(" :")).split()))
        colon = r"\s*:\s*" if label.endswith(":") else r"(?!\w)\s*:?\s*"
        patterns.append((re.compile(rf"\s*{words}{colon}"), tuple(languages.split())))
    return tuple(patterns)


@functools.cache
def _folded(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(fold, words))


def is_updated(line: str) -> bool:
    """Tell a line that says when an article was changed."""
    return fold(line.strip()).startswith(_folded(_UPDATED)) and any(letter.isdecimal() for letter in line)


def is_read_more(line: str) -> bool:
    """Tell a 'Read more' link's words, with or without the title after a colon."""
    folded = fold(line.strip()).replace("\u0650", "")  # Joomla's Arabic pack writes اِقرأ with its vowel
    label = next((each for each in _folded(_READ_MORE) if folded.startswith(each)), None)
    if label is None:
        return False
    rest = folded[len(label) :].strip(" .…>»›\xa0")
    return not rest or rest.startswith((":", "-"))


def is_navigation(line: str) -> bool:
    """Tell what stands below a listing: 'Page 1 of 10', '« Start Prev 1 2 3 Next End »', 'Results 1 - 7 of 63'."""
    folded = fold(line.strip())
    if _PAGE_OF.fullmatch(folded) or _RESULTS_OF.fullmatch(folded):
        return True
    words = [word.strip(".[]()|") for word in folded.split()]
    known = [word in _NAVIGATION or word.isdecimal() or not word for word in words]
    return len(words) >= 2 and all(known) and any(word in _NAVIGATION for word in words)
