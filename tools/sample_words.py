"""What the sample appeals say in the languages into which none of them was translated: made-up news, short and "
"long.
"""

from typing import NamedTuple


class Words(NamedTuple):
    """One appeal's words in one language.

    Attributes:
        title, byline, teaser: one line each.
        body: Markdown.
        demand: one line.
        say: what there is to do.
        subject, letter: of the mail that people write.
    """

    title: str
    byline: str
    teaser: str
    body: str
    demand: str
    say: str
    subject: str
    letter: str


WORDS = {
    "de": Words(
        "Elf Streikende in Akçova verhaftet: Fordert ihre Freilassung",
        "Solidaritätskomitee der Textilarbeiterinnen",
        "Um fünf Uhr früh umstellten Gendarmen das Streikzelt vor der Spinnerei und nahmen elf Menschen mit. "
        "Am Donnerstag entscheidet die Staatsanwaltschaft, ob sie in Haft bleiben.",
        "## Was geschah\n\nNach dem dritten ausgebliebenen Lohn stellten sie ihr Zelt auf. **Niemand wusste vom "
        "Versammlungsverbot**, bevor die Verhaftungen begannen.\n\n- Ringspinnerin, Streikkomitee\n- Schlosser",
        "Freilassung aller elf, ohne Auflagen.",
        "Schreibt der Staatsanwaltschaft, bevor sie entscheidet",
        "Freilassung der elf aus Akçova",
        "Sehr geehrte Damen und Herren,\n\nich bitte Sie, alle elf freizulassen.\n\nHochachtungsvoll",
    ),
    "fr": Words(
        "Onze grévistes arrêtés à l’aube à Akçova : exigeons leur libération",
        "Comité de solidarité des travailleuses du textile",
        "À cinq heures du matin, des gendarmes ont encerclé la tente des grévistes devant la filature et emmené "
        "onze "
        "personnes. Le procureur décide jeudi s’ils restent en détention.",
        "## Ce qui s’est passé\n\nIls ont monté leur tente après le troisième salaire impayé. **Personne ne "
        "connaissait "
        "l’interdiction** avant les arrestations.\n\n- fileuse, comité de grève\n- mécanicien d’entretien",
        "Libération des onze, sans conditions.",
        "Écrivez au procureur avant sa décision",
        "Libération des onze d’Akçova",
        "Monsieur le Procureur,\n\nje vous demande de libérer les onze.\n\nRecevez mes salutations",
    ),
    "es": Words(
        "Once huelguistas detenidos al amanecer en Akçova: exijamos su libertad",
        "Comité de solidaridad con las trabajadoras textiles",
        "A las cinco de la mañana los gendarmes rodearon la carpa de la huelga y se llevaron a once personas. "
        "El jueves la fiscalía decide si siguen presas.",
        "## Qué pasó\n\nMontaron la carpa después del tercer salario impago. **Nadie sabía de la prohibición** "
        "antes de "
        "las detenciones.\n\n- hilandera, comité de huelga\n- mecánico de mantenimiento",
        "Libertad para las once, sin condiciones.",
        "Escribe a la fiscalía antes de que decida",
        "Libertad para las once de Akçova",
        "A la Fiscalía de Akçova:\n\nLes pido que liberen a las once personas.\n\nAtentamente",
    ),
    "it": Words(
        "Undici scioperanti arrestati all’alba ad Akçova: chiediamo la loro liberazione",
        "Comitato di solidarietà con le operaie tessili",
        "Alle cinque del mattino i gendarmi hanno circondato la tenda dello sciopero e hanno portato via undici "
        "persone. "
        "Giovedì la procura decide se restano in carcere.",
        "## Che cosa è successo\n\nHanno montato la tenda dopo il terzo stipendio non pagato. **Nessuno sapeva del "
        "divieto** prima degli arresti.\n\n- filatrice, comitato di sciopero\n- meccanico",
        "Libertà per tutti gli undici, senza condizioni.",
        "Scrivi alla procura prima che decida",
        "Libertà per gli undici di Akçova",
        "Alla Procura di Akçova:\n\nVi chiedo di liberare tutti gli undici.\n\nDistinti saluti",
    ),
    "pt": Words(
        "Onze grevistas presos de madrugada em Akçova: exige a sua libertação",
        "Comité de solidariedade com as operárias têxteis",
        "Às cinco da manhã, a guarda cercou a tenda da greve em frente à fiação e levou onze pessoas. "
        "Na quinta-feira, o procurador decide se ficam presas.",
        "## O que aconteceu\n\nMontaram a tenda depois do terceiro salário em atraso. **Ninguém sabia da "
        "proibição** "
        "antes das detenções.\n\n- fiandeira, comité de greve\n- mecânico de manutenção",
        "Libertação das onze, sem condições.",
        "Escreve ao procurador antes que decida",
        "Libertação das onze de Akçova",
        "Ao Procurador de Akçova:\n\nPeço que liberte as onze pessoas.\n\nCom os melhores cumprimentos",
    ),
    "tr": Words(
        "Akçova’da on bir grevci şafakta gözaltına alındı: serbest bırakılsınlar",
        "Tekstil İşçileriyle Dayanışma Komitesi",
        "Sabah saat beşte jandarma fabrikanın önündeki grev çadırını kuşattı ve on bir kişiyi götürdü. "
        "Savcı perşembe günü tutuklanıp tutuklanmayacaklarına karar verecek.",
        "## Ne oldu\n\nÜçüncü ücret de ödenmeyince çadırlarını kurdular. Gözaltılardan önce **yasaktan kimsenin "
        "haberi "
        "yoktu**.\n\n- iplikçi, grev komitesi\n- bakım ustası",
        "On birinin de koşulsuz serbest bırakılması.",
        "Karar vermeden önce savcıya yazın",
        "Akçova’daki on bir işçinin serbest bırakılması",
        "Akçova Cumhuriyet Savcılığına:\n\nOn bir kişinin serbest bırakılmasını istiyorum.\n\nSaygılarımla",
    ),
    "ar": Words(
        "اعتقال أحد عشر مضرباً فجراً في آقجه‌أوفا: طالبوا بالإفراج عنهم",
        "لجنة التضامن مع عاملات النسيج",
        "في الخامسة صباحاً طوّق الدرك خيمة الإضراب أمام المغزل واقتاد أحد عشر شخصاً. يقرر المدعي العام يوم "
        "الخميس إن كانوا سيبقون "
        "رهن الاحتجاز.",
        "## ماذا حدث\n\nنصبوا خيمتهم بعد ثالث راتب لم يُدفع. **لم يكن أحد يعلم بالمنع** قبل الاعتقالات.\n\n- "
        "عاملة غزل، لجنة "
        "الإضراب\n- فني صيانة",
        "الإفراج عن الأحد عشر بلا شروط.",
        "اكتبوا إلى المدعي العام قبل أن يقرر",
        "الإفراج عن الأحد عشر في آقجه‌أوفا",
        "إلى المدعي العام:\n\nأطلب منكم الإفراج عن الأحد عشر جميعاً.\n\nمع الاحترام",
    ),
    "fa": Words(
        "بازداشت یازده اعتصابی در سپیده‌دم در آکچووا: آزادی‌شان را بخواهید",
        "کمیتهٔ همبستگی با کارگران نساجی",
        "ساعت پنج صبح ژاندارم‌ها چادر اعتصاب را جلوی کارخانهٔ ریسندگی محاصره کردند و یازده نفر را بردند. "
        "دادستان روز پنجشنبه "
        "تصمیم می‌گیرد که در بازداشت بمانند یا نه.",
        "## چه شد\n\nپس از سومین ماه بی‌مزدی چادرشان را برپا کردند. **هیچ‌کس از ممنوعیت خبر نداشت** تا "
        "بازداشت‌ها آغاز شد.\n\n"
        "- ریسنده، عضو کمیتهٔ اعتصاب\n- تعمیرکار",
        "آزادی بی‌قیدوشرط هر یازده نفر.",
        "پیش از تصمیم دادستان به او بنویسید",
        "آزادی یازده کارگر آکچووا",
        "به دادستان آکچووا:\n\nاز شما می‌خواهم هر یازده نفر را آزاد کنید.\n\nبا احترام",
    ),
    "ru": Words(
        "Одиннадцать забастовщиков арестованы на рассвете: требуйте их освобождения",
        "Комитет солидарности с работницами текстильной фабрики",
        "В пять утра жандармы окружили палатку забастовщиков у прядильной фабрики и увезли одиннадцать человек. "
        "В четверг прокурор решит, останутся ли они под стражей.",
        "## Что произошло\n\nПалатку поставили после третьей невыплаченной зарплаты. **О запрете никто не "
        "знал** до "
        "начала арестов.\n\n- прядильщица, забастовочный комитет\n- слесарь-ремонтник",
        "Освободить всех одиннадцать без условий.",
        "Напишите прокурору, пока он не принял решение",
        "Освобождение одиннадцати рабочих Акчовы",
        "Прокурору Акчовы:\n\nПрошу освободить всех одиннадцать человек.\n\nС уважением",
    ),
    "kk": Words(
        "Ақчовада таңсәріде он бір ереуілші ұсталды: босатуды талап етіңіздер",
        "Тоқыма жұмысшыларымен ынтымақтастық комитеті",
        "Таңғы сағат бесте жандармдар иіру фабрикасының алдындағы ереуіл шатырын қоршап, он бір адамды алып кетті. "
        "Бейсенбіде прокурор олардың қамауда қалуын шешеді.",
        "## Не болды\n\nҮшінші жалақы төленбеген соң шатыр тікті. Ұстау басталғанға дейін **тыйым туралы ешкім "
        "білген "
        "жоқ**.\n\n- иіруші, ереуіл комитеті\n- жөндеуші",
        "Он бірінің бәрін шартсыз босату.",
        "Прокурор шешім қабылдағанша жазыңыз",
        "Ақчовадағы он бір жұмысшыны босату",
        "Ақчова прокурорына:\n\nОн бір адамның бәрін босатуды сұраймын.\n\nҚұрметпен",
    ),
    "ku": Words(
        "Yanzdeh grevger serê sibê li Akçovayê hatin girtin: azadiya wan bixwaze",
        "Komîteya Piştevaniya Karkerên Tekstîlê",
        "Saet pêncê sibê cendirmeyan çadira grevê dorpêç kir û yanzdeh kes birin. Roja pêncşemê dozger biryar "
        "dide ka "
        "ew ê di girtîgehê de bimînin an na.",
        "## Çi qewimî\n\nPiştî ku meaşê sêyem jî nehat dayîn, wan çadira xwe vegirt. Berî girtinan **haya kesî ji "
        "qedexeyê tunebû**.\n\n- rêsvan, komîteya grevê\n- hosteyê tamîrê",
        "Azadkirina her yanzdehan bê merc.",
        "Berî ku biryar bide, ji dozger re binivîse",
        "Azadkirina yanzdeh karkerên Akçovayê",
        "Ji dozgerê Akçovayê re:\n\nEz dixwazim her yanzdeh kes bên azadkirin.\n\nBi rêz",
    ),
}
