"""What CLDR doesn't say about the names of countries: adjectives, former and common names, and traps.

Tables are written as `CODE name, name; CODE name`. Entries without a code look like a country's name and are none.
"""

from typing import Final

from newsletter.appeals.letters import listed

# Regions that CLDR names and that are no country.
NO_TERRITORY: Final = frozenset({"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"})

# A name that two countries share; in a field of its own it has to be said which.
SPLIT_NAMES: Final = frozenset({"congo", "kongo", "конго", "الکونغو", "کونغو", "کنگو", "korea dpr"})

NAMES: Final = {
    "en": """
        AE Emirates, U.A.E., UAE; BA Bosnia, Bosnia-Herzegovina; BN Brunei Darussalam; BO Plurinational
        State of Bolivia; CD DRC, DR Congo, D.R. Congo, Democratic Republic of Congo, Democratic Republic
        of the Congo, Congo Kinshasa, Zaire, Congo; CG Republic of Congo, Republic of the Congo, Congo
        Brazzaville; CI Ivory Coast, Cote d'Ivoire; CN People's Republic of China, PRC, Tibet; CV Cabo
        Verde; CZ Czech Republic; EH Western Sahara, Sahara Occidental; FK Falklands, Malvinas; GB UK,
        U.K., United Kingdom, Britain, Great Britain, England, Scotland, Wales, Northern Ireland, North of
        Ireland; GM The Gambia; HK Hong Kong, Hongkong; IE Republic of Ireland, Eire; IR Islamic Republic
        of Iran, Persia; KH Kampuchea; KP North Korea, DPRK; KR South Korea, Republic of Korea, Korea; LA
        Lao PDR; LK Ceylon; MD Moldavia; MK Macedonia, FYROM; MM Burma; MO Macau, Macao; NL Holland; PS
        Palestine, Gaza, Gaza Strip, West Bank, Occupied Palestinian Territories, Palestinian Territory;
        RU Russian Federation, USSR, Soviet Union; SY Syrian Arab Republic; SZ Swaziland; TL East Timor;
        TR Turkey, Turkiye; TW Formosa; TZ Zanzibar; US US, USA, U.S., U.S.A., United States of America,
        America; VA Vatican; VN Viet Nam; ZW Rhodesia; LK Sri Lanka; XK Kosova; BF Upper Volta; BJ
        Dahomey; CA British Columbia; AU New South Wales; US New Mexico, New Jersey, New England, Native
        American, African American, American Indian, Atlanta Georgia, Georgia State University; RS
        Republic of Serbia; GY British Guiana
        """,
    "es": """
        US Estados Unidos de América, EE.UU., EEUU, EE UU; GB Gran Bretaña, Inglaterra, Escocia, Irlanda
        del Norte; PS Palestina, Cisjordania, Gaza; CD República Democrática del Congo, Zaire, Congo; CG
        República del Congo; NL Holanda; MM Birmania; CI Costa de Marfil; RU Unión Soviética; TR Turquía;
        KR Corea; BY Bielorrusia; KZ Kazajistán, Kazajstán; SZ Suazilandia; US Nuevo México, Nueva Jersey;
        EH Sáhara Occidental, Sahara Occidental
        """,
    "fr": """
        US États-Unis d'Amérique, USA, Amérique; GB Grande-Bretagne, Angleterre, Écosse, Irlande du Nord,
        Royaume-Uni; PS Palestine, Cisjordanie, Gaza; CD République démocratique du Congo, RDC,
        Congo-Kinshasa, Zaïre, Congo; CG République du Congo, Congo-Brazzaville; NL Hollande; MM Birmanie;
        RU Union soviétique; KR Corée; BY Biélorussie; SZ Swaziland; US Nouveau-Mexique; KZ Kazakstan; EH
        Sahara occidental
        """,
    "de": """
        US USA, Amerika; GB Großbritannien, England, Schottland, Nordirland, Britannien; PS Palästina,
        Westjordanland, Gaza; CD Demokratische Republik Kongo, DR Kongo, Zaire, Kongo; CG Republik Kongo;
        NL Holland; MM Birma, Burma; RU Sowjetunion; KR Korea; BY Weißrussland; SZ Swasiland; CI
        Elfenbeinküste; TL Osttimor; EH Westsahara
        """,
    "it": """
        US Stati Uniti d'America, USA, America; GB Gran Bretagna, Inghilterra, Scozia, Irlanda del Nord;
        PS Palestina, Cisgiordania, Gaza; CD Repubblica Democratica del Congo, Congo; CG Repubblica del
        Congo; NL Olanda; MM Birmania; RU Unione Sovietica; KR Corea; KZ Kazakistan, Kazakhstan; EH Sahara
        Occidentale
        """,
    "pt": """
        US EUA, Estados Unidos da América; GB Grã-Bretanha, Inglaterra, Escócia, Irlanda do Norte; PS
        Palestina, Cisjordânia, Gaza; CD República Democrática do Congo, Congo; CG República do Congo; NL
        Holanda; MM Birmânia; KR Coreia; IR Irão; RU União Soviética; EH Sahara Ocidental, Saara
        Ocidental; KZ Cazaquistão
        """,
    "nl": """
        US VS, Verenigde Staten van Amerika, Amerika; GB Groot-Brittannië, Engeland, Schotland,
        Noord-Ierland, VK; NL Holland; PS Palestina, Gaza; CD Democratische Republiek Congo, Congo; MM
        Birma; BY Wit-Rusland; KR Korea
        """,
    "ru": """
        US США, Соединенные Штаты Америки, Америка; GB Великобритания, Британия, Англия, Шотландия,
        Северная Ирландия; CD ДР Конго, Демократическая Республика Конго, Заир, Конго; CG Республика
        Конго; PS Палестина, Газа; RU РФ, Российская Федерация, СССР, Советский Союз; BY Белоруссия; KG
        Киргизия; TM Туркмения; MD Молдавия; AE ОАЭ, Эмираты; NL Голландия; MM Бирма; KR Корея; ZA ЮАР; CU
        Куба, Кубы, Кубе, Кубу, Кубой; EH Западная Сахара; UA Украина; CZ Чешская Республика; IQ Ирака,
        Ираке, Ираку, Ираком; OM Омана; TD Чада; GH Ганы, Гане, Гану; KZ РК, Республика Казахстан; SV
        Эль-Сальвадор
        """,
    "uk": "US США; GB Велика Британія, Англія, Північна Ірландія; RU РФ; PS Палестина; CU Куба, Куби, Кубі",
    "tr": """
        US ABD, Amerika; GB İngiltere, Büyük Britanya, İskoçya, Kuzey İrlanda; PS Filistin, Gazze; NL
        Hollanda; CD Demokratik Kongo Cumhuriyeti, Kongo; MM Burma; KR Kore; EH Batı Sahra; CY Kıbrıs
        """,
    "ar": """
        US امريكا, أمريكا, الولايات المتحدة; GB بريطانيا, إنجلترا, انجلترا, أيرلندا الشمالية, اسكتلندا; PS
        فلسطين, غزة, الضفة الغربية; RU الاتحاد السوفيتي; KR كوريا; CD الكونغو الديمقراطية, الكونغو; NL
        هولندا; AE الإمارات; SA السعودية; MM بورما; OM سلطنة عمان; KZ كازاخستان, قازاقستان; EH الصحراء
        الغربية; TR تركية
        """,
    "fa": """
        US آمریکا, امریکا, ایالات متحده; GB انگلیس, انگلستان, بریتانیا, ایرلند شمالی; PS فلسطین, غزه,
        کرانه باختری; RU شوروی; KR کره; CD کنگو; AE امارات; SA عربستان; MM برمه; OM عمان; EH صحرای غربی;
        AZ آذربایجان
        """,
    "el": "GB Αγγλία, Βρετανία, Βόρεια Ιρλανδία; US ΗΠΑ, Αμερική; PS Παλαιστίνη, Γάζα; NL Ολλανδία; MM Βιρμανία",
    "pl": "GB Anglia, Szkocja, Irlandia Północna; US USA, Ameryka; PS Palestyna, Gaza; NL Holandia; MM Birma",
    "ku": "TR Tirkiye, Tirkiyê, Tirkîye; IR Îran, Iran; IQ Iraq, Îraq; SY Sûriye, Sûrî; DE Almanya; PS Filistîn",
    "ckb": "TR تورکیا; IR ئێران; IQ عێراق; SY سوریا",
    "kk": "KZ Қазақстан; RU Ресей; TR Түркия; US АҚШ; GB Ұлыбритания, Англия; PS Палестина",
}

ADJECTIVES: Final = {
    "en": """
        AD Andorran; AE Emirati; AF Afghan; AG Antiguan; AL Albanian; AM Armenian; AO Angolan; AR
        Argentine, Argentinian, Argentinean; AT Austrian; AU Australian; AZ Azerbaijani, Azeri; BA
        Bosnian; BB Barbadian; BD Bangladeshi; BE Belgian; BF Burkinabe, Burkinabé; BG Bulgarian; BH
        Bahraini; BI Burundian; BJ Beninese; BN Bruneian; BO Bolivian; BR Brazilian; BS Bahamian; BT
        Bhutanese; BW Botswanan; BY Belarusian, Belarussian, Byelorussian; BZ Belizean; CA Canadian; CD
        Congolese; CF Central African; CH Swiss; CI Ivorian; CL Chilean; CM Cameroonian; CN Chinese,
        Tibetan; CO Colombian; CR Costa Rican; CU Cuban; CV Cape Verdean; CY Cypriot; CZ Czech; DE German;
        DJ Djiboutian; DK Danish, Dane; DO Dominican; DZ Algerian; EC Ecuadorian, Ecuadorean; EE Estonian;
        EG Egyptian; EH Sahrawi, Saharawi; ER Eritrean; ES Spanish, Spaniard; ET Ethiopian; FI Finnish,
        Finn; FJ Fijian; FR French, Frenchman; GA Gabonese; GB British, English, Scottish, Welsh, Briton,
        Northern Irish; GE Georgian; GH Ghanaian; GM Gambian; GN Guinean; GQ Equatorial Guinean,
        Equatoguinean; GR Greek; GT Guatemalan; GW Bissau-Guinean; GY Guyanese; HK Hong Konger; HN
        Honduran; HR Croatian, Croat; HT Haitian; HU Hungarian; ID Indonesian; IE Irish; IL Israeli; IN
        Indian; IQ Iraqi; IR Iranian, Persian; IS Icelandic, Icelander; IT Italian; JM Jamaican; JO
        Jordanian; JP Japanese; KE Kenyan; KG Kyrgyz, Kyrgyzstani; KH Cambodian; KM Comorian; KP North
        Korean; KR South Korean, Korean; KW Kuwaiti; KZ Kazakh, Kazakhstani; LA Laotian; LB Lebanese; LK
        Sri Lankan; LR Liberian; LS Basotho; LT Lithuanian; LU Luxembourgish, Luxembourger; LV Latvian; LY
        Libyan; MA Moroccan; MC Monegasque; MD Moldovan; ME Montenegrin; MG Malagasy, Madagascan; MK
        Macedonian, North Macedonian; ML Malian; MM Burmese; MN Mongolian; MR Mauritanian; MT Maltese; MU
        Mauritian; MV Maldivian; MW Malawian; MX Mexican; MY Malaysian; MZ Mozambican; NA Namibian; NE
        Nigerien; NG Nigerian; NI Nicaraguan; NL Dutch, Dutchman; NO Norwegian; NP Nepalese, Nepali; NZ
        New Zealander; OM Omani; PA Panamanian; PE Peruvian; PG Papua New Guinean, Papuan; PH Filipino,
        Filipina, Philippine; PK Pakistani; PL Polish; PR Puerto Rican; PS Palestinian, Gazan; PT
        Portuguese; PY Paraguayan; QA Qatari; RO Romanian, Rumanian; RS Serbian, Serb; RU Russian, Soviet;
        RW Rwandan; SA Saudi, Saudi Arabian; SD Sudanese; SE Swedish, Swede; SG Singaporean; SI Slovenian,
        Slovene; SK Slovak, Slovakian; SL Sierra Leonean; SN Senegalese; SO Somali, Somalian; SR
        Surinamese; SS South Sudanese; SV Salvadoran, Salvadorean, Salvadorian; SY Syrian; SZ Swazi; TD
        Chadian; TG Togolese; TH Thai; TJ Tajik, Tajikistani; TL Timorese, East Timorese; TM Turkmen; TN
        Tunisian; TO Tongan; TR Turkish, Turk; TT Trinidadian; TW Taiwanese; TZ Tanzanian; UA Ukrainian;
        UG Ugandan; US American; UY Uruguayan; UZ Uzbek, Uzbekistani; VE Venezuelan; VN Vietnamese; XK
        Kosovar, Kosovan; YE Yemeni, Yemenite; ZA South African; ZM Zambian; ZW Zimbabwean
        """,
    "es": """
        AF afgano; AR argentino; AT austriaco; AU australiano; BD bangladesí; BE belga; BO boliviano; BR
        brasileño; BY bielorruso; CA canadiense; CL chileno; CN chino; CO colombiano; CR costarricense; CU
        cubano; DE alemán; DO dominicano; DZ argelino; EC ecuatoriano; EG egipcio; EH saharaui; ES
        español; FR francés; GB británico, inglés, escocés; GR griego; GT guatemalteco; HN hondureño; HT
        haitiano; ID indonesio; IE irlandés; IL israelí; IQ iraquí; IR iraní; IT italiano; JO jordano; JP
        japonés; KR surcoreano; KP norcoreano; KZ kazajo, kazajistaní; LB libanés; LY libio; MA marroquí;
        MM birmano; MX mexicano; NE nigerino; NG nigeriano; NI nicaragüense; NL holandés, neerlandés; PA
        panameño; PE peruano; PH filipino; PK pakistaní, paquistaní; PL polaco; PR puertorriqueño; PS
        palestino; PT portugués; PY paraguayo; RO rumano; RU ruso; SD sudanés; SE sueco; SV salvadoreño;
        SY sirio; TN tunecino; TR turco; UA ucraniano; US estadounidense; UY uruguayo; VE venezolano; ZA
        sudafricano
        """,
    "fr": """
        AF afghan; AR argentin; BD bangladais; BE belge; BF burkinabé; BO bolivien; BR brésilien; BY
        biélorusse; CA canadien; CD congolais; CH suisse; CI ivoirien; CL chilien; CM camerounais; CN
        chinois; CO colombien; CU cubain; DE allemand; DZ algérien; EG égyptien; EH sahraoui; ES espagnol;
        FR français; GB britannique, anglais, écossais; GE géorgien; GR grec, grecque; GT guatémaltèque;
        HN hondurien; HT haïtien; HU hongrois; ID indonésien; IE irlandais; IL israélien; IN indien; IQ
        irakien; IR iranien; IT italien; JO jordanien; JP japonais; KR sud-coréen, coréen; KP nord-coréen;
        KZ kazakh, kazakhstanais; LB libanais; LY libyen; MA marocain; ML malien; MM birman; MX mexicain;
        NE nigérien; NG nigérian; NI nicaraguayen; NL néerlandais, hollandais; PE péruvien; PH philippin;
        PK pakistanais; PL polonais; PS palestinien; PT portugais; RO roumain; RU russe; SD soudanais; SE
        suédois; SN sénégalais; SV salvadorien; SY syrien; TD tchadien; TN tunisien; TR turc, turque; UA
        ukrainien; US américain, états-unien; VE vénézuélien; ZA sud-africain
        """,
    "de": """
        AF afghanisch, Afghane; AR argentinisch, Argentinier; AT österreichisch; BD bangladeschisch; BE
        belgisch; BO bolivianisch; BR brasilianisch; BY belarussisch; CA kanadisch; CH schweizerisch,
        Schweizer; CL chilenisch; CN chinesisch, Chinese; CO kolumbianisch; CU kubanisch; DE deutsch,
        Deutsche; DZ algerisch; EG ägyptisch, Ägypter; ES spanisch, Spanier; FR französisch, Franzose; GB
        britisch, Brite, englisch, schottisch; GR griechisch, Grieche; HN honduranisch; HT haitianisch; HU
        ungarisch; ID indonesisch; IE irisch; IL israelisch; IN indisch; IQ irakisch; IR iranisch, Iraner;
        IT italienisch, Italiener; JO jordanisch; JP japanisch; KR südkoreanisch; KP nordkoreanisch; KZ
        kasachisch, Kasache; LB libanesisch; LY libysch; MA marokkanisch, Marokkaner; MX mexikanisch; NG
        nigerianisch; NE nigrisch; NL niederländisch, holländisch; PE peruanisch; PH philippinisch; PK
        pakistanisch; PL polnisch; PS palästinensisch, Palästinenser; PT portugiesisch; RO rumänisch; RU
        russisch, Russe; SD sudanesisch; SE schwedisch; SV salvadorianisch, salvadorenisch; SY syrisch,
        Syrer; TN tunesisch; TR türkisch, Türke; UA ukrainisch; US amerikanisch; VE venezolanisch; ZA
        südafrikanisch
        """,
    "it": """
        AF afghano; AR argentino; BE belga; BO boliviano; BR brasiliano; BY bielorusso; CL cileno; CN
        cinese; CO colombiano; CU cubano; DE tedesco, tedesch; DZ algerino; EG egiziano; ES spagnolo; FR
        francese; GB britannico, britannich, inglese; GR greco, grech; GT guatemalteco; HN honduregno; IE
        irlandese; IL israeliano; IN indiano; IQ iracheno; IR iraniano; IT italiano; JP giapponese; KZ
        kazako, kazakh; LB libanese; LY libico; MA marocchino; MX messicano; NG nigeriano; NL olandese; PK
        pakistano; PL polacco, polacch; PS palestinese; PT portoghese; RO rumeno; RU russo; SV
        salvadoregno; SY siriano; TN tunisino; TR turco, turch; UA ucraino; US statunitense, americano; VE
        venezuelano; ZA sudafricano
        """,
    "pt": """
        AO angolano; AR argentino; BO boliviano; BR brasileiro; CL chileno; CN chinês; CO colombiano; CU
        cubano; DE alemão; EG egípcio; EH saarauí; ES espanhol; FR francês; GB britânico, inglês; GR
        grego; IL israelita, israelense; IN indiano; IQ iraquiano; IR iraniano; IT italiano; JP japonês;
        KZ cazaque; MA marroquino; MX mexicano; MZ moçambicano; PS palestino, palestiniano; PT português;
        RU russo; SV salvadorenho; SY sírio; TN tunisino; TR turco; UA ucraniano; US norte-americano,
        estadunidense; VE venezuelano; ZA sul-africano
        """,
    "nl": """
        BE Belgisch; CN Chinees; DE Duits; ES Spaans; FR Frans; GB Brits, Engels; GR Grieks; IN Indiaas;
        IR Iraans; IT Italiaans; KZ Kazachs; MA Marokkaans; NL Nederlands; PS Palestijns; RU Russisch; SV
        Salvadoraans; TR Turks; US Amerikaans
        """,
    "ru": """
        AF афганский; AR аргентинский; AM армянский; AZ азербайджанский; BD бангладешский; BO боливийский;
        BR бразильский; BY белорусский; CL чилийский; CN китайский; CO колумбийский; CU кубинский; CZ
        чешский; DE немецкий, германский; DZ алжирский; EG египетский; ES испанский; FR французский; GB
        британский, английский; GE грузинский; GR греческий; HU венгерский; ID индонезийский; IE
        ирландский; IL израильский; IN индийский; IQ иракский; IR иранский; IT итальянский; JP японский;
        KG киргизский, кыргызский; KR южнокорейский; KP северокорейский; KZ казахский, казахстанский; LB
        ливанский; LY ливийский; MA марокканский; MD молдавский; MX мексиканский; NG нигерийский; NL
        голландский, нидерландский; PK пакистанский; PL польский; PS палестинский; PT португальский; RO
        румынский; RS сербский; RU российский, русский; SV сальвадорский; SY сирийский; TJ таджикский; TN
        тунисский; TR турецкий; UA украинский; US американский; UZ узбекский; VE венесуэльский; ZA
        южноафриканский
        """,
    "uk": "DE німецький; GB британський; KZ казахстанський; PL польський; RU російський; TR турецький; UA український",
    "tr": """
        CN Çinli; DE Alman; ES İspanyol; FR Fransız; GB İngiliz, Britanyalı; GR Yunan, Yunanlı; IL
        İsrailli; IR İranlı; IT İtalyan; KZ Kazak, Kazakistanlı; MA Faslı; PS Filistinli; RU Rus; SV
        Salvadorlu; SY Suriyeli; TR Türk, Türkiyeli; US Amerikan, Amerikalı
        """,
    "ar": "GB إنجليزي, بريطاني; US أمريكي, أمريكية, أميركي, أميركية; OM عماني, عمانية; TR أتراك; MA مغاربة; EH صحراوي",
    "fa": """
        IR ایرانی, ایرانیان; TR ترک; IT ایتالیایی; GR یونانی; FR فرانسوی; DE آلمانی; GB بریتانیایی,
        انگلیسی; US آمریکایی; RU روسی, روس; MA مراکشی; KZ قزاق, قزاقستانی; PS فلسطینی; SV السالوادوری; IQ
        عراقی; AF افغان, افغانستانی; SY سوری
        """,
    "el": "GR ελληνικός, Έλληνας; TR τουρκικός, Τούρκος; DE γερμανικός; IT ιταλικός; GB βρετανικός; PS παλαιστινιακός",
    "pl": """
        PL polski; DE niemiecki; RU rosyjski; TR turecki; IT włoski; GR grecki; GB brytyjski; KZ kazachski;
        MA marokański; PS palestyński
        """,
    "kk": "KZ қазақстандық; RU ресейлік; TR түрік",
}

# What holds a country's name and is none; longer than the name that it holds, so that it wins.
NO_COUNTRY: Final = {
    "en": (
        "Latin American, Latin America, South American, South America, North American, North America, Central "
        "American, Central America, Americas, Indian Ocean, West Indian, East Indian, Gulf of Mexico, South China "
        "Sea, Sea of Japan, guinea pig, Jordan Valley, Guinea fowl, Turkish bath, Panama Papers, English Channel, "
        "Irish Sea, Persian Gulf, Arabian Peninsula, Air France, Air India, British Airways, Bank of America, Voice "
        "of America, Radio France, Korea Times, Le Monde, Tour de France, Cuba Solidarity Campaign, Dutch disease, "
        "French Guiana, New Caledonia"
    ),
    "es": "América Latina, América del Sur, América Central, océano Índico, Golfo de México",
    "fr": "Amérique latine, Amérique du Sud, Amérique centrale, Amérique du Nord, océan Indien",
    "de": "Lateinamerika, Südamerika, Indischer Ozean",
    "it": "America Latina, America del Sud, America centrale, Oceano Indiano",
    "pt": "América Latina, América do Sul, Oceano Índico",
    "ru": "Латинская Америка, Южная Америка, Индийский океан",
    "ar": "أمريكا اللاتينية, أمريكا الجنوبية",
    "fa": "آمریکای لاتین",
}

# Endings that are taken off both names and texts, the longest first; whether once or until none is left.
ENDINGS: Final = {
    "es": (("es", "as", "os", "s", "a", "o", "e"), True),
    "fr": (("ne", "es", "e", "s"), True),
    "de": (("innen", "ens", "en", "er", "es", "em", "in", "e", "n", "s"), True),
    "it": (("a", "o", "e", "i"), True),
    "pt": (("es", "as", "os", "s", "a", "o", "e"), True),
    "nl": (("en", "e"), False),
    "ru": (
        listed(
            "ыми ими ого его ому ему ой ей ом ем ам ям ах ях ами ями ий ый ая яя ое ее ие ые ым им ых их ую юю а я "
            "у ю е и ы ь"
        ),
        False,
    ),
    "uk": (listed("ого ому ої ою ий ім им их а я у ю е и і ї ь"), False),
    "el": (listed("ικους ικων ικος ικη ικο ικης ικου ικες ικα ους ων ος ας ης ου α η ο ε"), False),
    "pl": (listed("iego iemu imi ich iej im ie ii ia ji ja ja a i e u y em owi"), False),
    "tr": ((), False),
    "ku": (("ye", "yi", "an", "e", "i"), True),
    "fa": (("ها", "های", "ای"), False),
}

# Names that are people's too; and given names that make a surname of what follows.
PERSONS_TOO: Final = frozenset(
    {"jordan", "chad", "georgia", "israel", "holland", "ireland", "france", "england", "kenya", "wales"}
)
GIVEN_NAMES: Final = frozenset(
    listed(
        "adam alan alex alexander alice amanda amy andrea andrew anna anne anthony antonio barbara ben benjamin "
        "bill bob brian carl carlos carol caroline charles charlie chris christopher claire claudia daniel dave "
        "david deborah dennis diana donald dorothy duane edward elizabeth emily emma eric eva frank gary george "
        "hannah harry helen henry ian jack jacob james jane janet jason jeff jennifer jeremy jerry jessica jim joan "
        "joe john jonathan jose joseph josh joshua juan judith judy julia julian julie june karen kate katherine "
        "kathy keith kelly ken kevin kim larry laura lee leon leslie linda lisa louis louise lucy luis luke mandy "
        "marc margaret maria marie mark martha martin mary matt matthew melanie michael michel michelle miguel mike "
        "mohammed montell nancy natalie neil nicholas nick nicola nicole oliver pamela pat patricia patrick paul "
        "paula peter phil philip rachel ralph ray rebecca richard rob robert robin roger ron rosa rose roy ruth "
        "ryan sally sam samantha samuel sandra sara sarah scott sean sharon simon sophie stephen steve steven "
        "stuart sue susan suzanne terry theresa thomas tim tom tony vernon victoria vincent walter wendy will "
        "william xavier chad georgia israel jordan mr mrs ms dr comrade brother sister anatole kathy"
    )
)

# What follows a country's name in headlines, where a surname would follow a given name.
HEADLINE_NAMES: Final = frozenset(
    listed(
        "teachers workers miners doctors nurses students strike strikes union unions government police army court "
        "parliament trade general labour labor workers solidarity appeal protest protests protesters protestors "
        "releases arrests must free stop release journalists women youth refugees migrants prisoners communist "
        "socialist king president prime minister oil textile garment railway dockers farmers peasants activists "
        "activist authorities regime national federation"
    )
)

# Names that are ordinary words, or given names, elsewhere: only after one of these they are a country's.
ONLY_AFTER: Final = {
    "fr": {"maurice": {"a", "ile", "de"}, "dominique": {"la", "a"}},
    "ar": {"مالی": {"فی", "دوله", "جمهوریه"}, "عمان": {"سلطنه"}, "بنین": {"فی", "دوله", "جمهوریه"}},
    "fa": {"مالی": {"در", "کشور", "جمهوری"}, "چین": {"در", "کشور", "جمهوری", "دولت", "کارگران"}},
}
