"""Word lists of the redactor: what stands beside a name or in an address, in the languages that letters are written in.

Street words of English are those of the United States Postal Service (Publication 28, appendix C1; public domain) and
of everyday British use; the others are the common words of each country's addresses.
"""

from __future__ import annotations


def _words(listed: str) -> tuple[str, ...]:
    return tuple(listed.split())


#: Stand before a name, in any capitals, with or without a full stop.
TITLES = _words(
    "mr mrs ms miss dr prof professor sir madam lady lord rev father sister brother uncle aunt auntie "
    "cousin grandma grandpa herr herrn frau onkel tante oma opa monsieur madame mademoiselle mme mlle "
    "oncle tonton tata señor señora señorita don doña tío tía signor signora signorina dott dottor "
    "dottoressa zio zia nonno nonna dhr mevr mevrouw meneer oom pan pani pana pana panią wujek ciocia "
    "fru farbror moster faster senhor senhora tio tia dona"
)
#: Never alone a person, whatever follows.
TITLES_LOWER = _words("mr mrs ms dr")
#: Somebody near; a name follows.
KIN = _words(
    "wife husband partner son daughter brother sister mother father mum mom dad friend friends boyfriend "
    "girlfriend fiancé fiancée fiance fiancee boss colleague neighbour neighbor teacher doctor landlord "
    "landlady nephew niece cousin uncle aunt manager flatmate roommate dog cat kid child baby grandson "
    "granddaughter grandmother grandfather stepfather stepmother twin ex bestie bro sis therapist coach "
    "student assistant buddy mate"
)
#: "Meine Schwester", "mon frère": possessive and kin in one language each, so that no "mi son" arises.
KIN_ABROAD = (
    (
        "mein(?:e[rnm]?)? (?:bruder|schwester|mutter|vater|mann|frau|sohn|tochter|freund(?:in)?|"
        "kolleg(?:e|in|en)|chef(?:in)?|nachbar(?:in)?|onkel|tante|cousin(?:e)?|neffe|nichte|oma|opa)"
    ),
    (
        "(?:mon|ma|notre) (?:frère|sœur|soeur|mère|père|mari|femme|fils|fille|amie?|collègue|chef|"
        "voisine?|oncle|tante|cousine?|neveu|nièce|copine?)"
    ),
    (
        "(?:mi|nuestr[oa]) (?:hermano|hermana|madre|padre|marido|mujer|esposa|hijo|hija|amig[oa]|colega|"
        "jefe|jefa|vecin[oa]|tí[oa]|prim[oa]|novi[oa]|abuel[oa])"
    ),
    (
        "(?:mi[oa]) (?:fratello|sorella|madre|padre|marito|moglie|figli[oa]|amic[oa]|collega|capo|"
        "vicin[oa]|zi[oa]|cugin[oa])"
    ),
    (
        "mijn (?:broer|zus|moeder|vader|man|vrouw|zoon|dochter|vriend(?:in)?|collega|baas|buurman|"
        "buurvrouw|oom|tante|nicht|neef)"
    ),
    (
        "m[oó]ja? (?:brat|siostra|matka|ojciec|mąż|żona|syn|córka|przyjaciel|przyjaciółka|kolega|"
        "koleżanka|szef|sąsiad(?:ka)?)"
    ),
    (
        "mi(?:n|tt) (?:bror|syster|söster|søster|mor|mamma|far|pappa|man|mand|fru|kone|hustru|son|søn|"
        "dotter|datter|vän|ven|kollega|chef|granne|nabo|moster|faster)"
    ),
    (
        "(?:o meu|a minha|meu|minha) (?:irmã|irmão|mãe|pai|marido|mulher|esposa|filh[oa]|amig[oa]|colega|"
        "chefe|vizinh[oa]|ti[oa]|prim[oa])"
    ),
)
#: Begin a letter or a message, or end it; a name follows.
GREETINGS = _words(
    "dear dearest hi hello hey hiya thanks cheers love regards sincerely yours liebe lieber liebes "
    "liebste liebster hallo gruß grüße servus chère cher chers salut bonjour coucou bises bisous querida "
    "querido queridos hola estimado estimada cara caro carissima carissimo ciao gentile egregio beste "
    "lieve geachte hoi groetjes kochana kochany droga drogi cześć szanowny szanowna kära käre hej hejsan "
    "kære hei moi rakas hyvä terveisin kedves szia üdv milá milý ahoj drahá drahý sevgili merhaba selam "
    "canım olá oi caro cara prezado prezada dragă bună salutare"  # noqa: RUF001 - the Turkish letter is meant
)
#: In the line above a signature.
CLOSINGS = _words(
    "love wishes regards sincerely faithfully truly yours cheers thanks soon hugs kisses grüße grüßen "
    "gruß liebe bises amitiés cordialement salutations abrazo besos saludos abbracci saluti baci groeten "
    "groetjes pozdrawiam pozdrowienia hälsningar kram hilsen knus abraços abraço beijos cumprimentos "
    "pozdravem terveisin üdvözlettel sevgiler"
)
#: Speech and feeling after a name, at the beginning of a sentence.
SAID = _words(
    "said says asked asks told tells replied answered wrote writes thinks thought called calls rang "
    "texted laughed smiled died wants wanted knows knew loves loved hates hated likes liked believes "
    "insists cooked sang cried hugged kissed promised admitted agreed refused complained explained "
    "invited phoned lives lived teaches taught married"
)
#: Before a name, with somebody as object.
TOLD = (
    "tell|told|telling|ask|asked|asking|met|meet|meeting|phone|phoned|call|called|ring|rang|text|texted|owe|"
    "owed|miss|missed|hug|hugged|kiss|kissed|married|marry|invite|invited|thank|thanked|trust|forgive|"
    "forgave|(?:talk|talked|talking|spoke|speak|speaking|listen|listened|lied|write|wrote) (?:to|with)|"
    "chatted with|dinner with|lunch with|coffee with|lived with|stayed with|named|called|name is|name's|"
    "name was|married to|engaged to|signed|hei(?:ß|ss)t|heiße|namens|s'appelle|appelle|se llama|si chiama|"
    "heet|heter|hedder|nazywa się|jmenuje se"
)
#: Particles between the parts of a name.
PARTICLES = (
    "van der|van den|van de|van 't|in 't|von der|van|von|zu|de la|de los|de las|del|de|der|den|da|das|do|dos|"
    "di|du|la|le|bin|ibn|al|el|y|af|av|ter|ten"
)
#: Come after the name of an English street.
STREETS_AFTER = (
    "alley|ally|annex|arcade|ave|avenue|bayou|beach|bend|blvd|bluffs?|bottom|boulevard|branch|bridge|brooks?|"
    "burgs?|bypass|camp|canyon|cape|causeway|centers?|centre|circles?|circus|cliffs?|close|clubs?|common|"
    "corners?|course|courts?|coves?|creek|crescent|cres|crest|crossing|crossroad|ct|curve|dale|dam|divide|dr|"
    "drives?|esplanade|estates?|expressway|extensions?|falls|ferry|fields?|flats?|fords?|forest|forges?|"
    "forks?|fort|freeway|gardens?|gateway|glens?|greens?|ground|groves?|harbors?|harbour|haven|heights|"
    "highway|hills?|hollow|inlet|islands?|isle|junctions?|keys?|knolls?|lakes?|landing|lane|light|ln|loaf|"
    "locks?|lodge|loop|mall|manors?|marg|meadows?|mews|mills?|mission|motorway|mount|mountains?|nagar|neck|"
    "orchard|oval|overpass|parade|parks?|parkways?|pass|passage|path|pike|pines?|place|plains?|plaza|points?|"
    "ports?|prairie|quay|radial|ramp|ranch|rapids?|rd|rests?|ridges?|river|roads?|row|rue|run|shoals?|"
    "shores?|skyway|springs?|spurs?|squares?|st|station|strand|stravenue|stream|streets?|str|summit|terrace|"
    "throughway|trace|track|trafficway|trail|tunnel|turnpike|underpass|unions?|valleys?|via|viaduct|views?|"
    "villages?|ville|vista|walks?|walls?|way|ways|wells?|wharf|yard|approach|arterial|artery|basin|block|"
    "boardwalk|brace|break|broadway|byway|chase|circuit|cluster|colonnade|concourse|copse|cul-de-sac|cutting|"
    "deviation|distributor|elbow|end|entrance|fairway|footway|gap|gate|glade|grange|heath|highroad|hub|"
    "interchange|intersection|kingsway|land|line|link|lookout|outlook|pathway|peninsula|plateau|pocket|"
    "promenade|quadrant|reserve|retreat|rise|rotary|round|serviceway|siding|slope|strip|subway|tollway|tor|"
    "triangle|vale|waters|wynd|zila"
)
#: Come before it, in the languages that do so.
STREETS_BEFORE = (
    "rue|avenue|av|boulevard|bd|chemin|ch|allée|impasse|quai|cours|place|route|passage|sentier|square|via|"
    r"viale|v\.le|vicolo|piazza|piazzale|p\.za|corso|largo|strada|stretto|contrada|borgo|rotonda|canale|"
    "incrocio|salita|lungomare|calle|c|c/|avenida|avda|plaza|paseo|pasaje|camino|carretera|ronda|glorieta|"
    "rambla|cuesta|callejón|urbanización|vial|via|cañada|acceso|alameda|pasadizo|camino|eje vial|diagonal|"
    "circunvalación|privada|prolongación|retorno|cerrada|calzada|boulevard|circuito|periférico|corredor|"
    "peatonal|andador|viaducto|continuación|ampliación|rua|r|travessa|praça|praceta|estrada|largo|alameda|"
    "rodovia|ladeira|vila|vale|trevo|núcleo|viaduto|viela|via|colônia|condomínio|conjunto|campo|chácara|"
    "distrito|esplanada|estação|favela|fazenda|feira|jardim|lago|lagoa|loteamento|morro|parque|passarela|"
    "pátio|quadra|recanto|residencial|setor|sítio|av|azinhaga|beco|urbanização|ulica|ul|al|aleja|aleje|plac|"
    "pl|os|osiedle|rondo|skwer|strada|str|bulevardul|aleea|calea|drumul|intrarea|splaiul|șoseaua|ulice|"
    "náměstí|nám|třída|jalan|jl|gang|gg|đường|phố|ulitsa|улица|ул|проспект|пр|переулок|οδός|λεωφόρος|πλατεία"
)
#: End the one word that is a street's name, in the languages that write it so.
STREET_ENDS = (
    "straße|strasse|str|gasse|weg|wege|allee|platz|ring|damm|ufer|steig|stieg|hof|zeile|graben|markt|berg|"
    "gürtel|kai|promenade|chaussee|siedlung|park|straat|laan|plein|gracht|kade|singel|dreef|pad|baan|steeg|"
    "dijk|hofje|boulevard|dwarsweg|wal|gade|vej|vænget|allé|alle|stræde|torv|gatan|gata|gaten|gate|vägen|väg|"
    "veien|vegen|vei|gränd|stigen|torget|plan|backen|tie|katu|kuja|polku|kaari|raitti|tori|bulevardi|rinne|"
    "utca|út|útja|tér|tere|köz|körút|sétány|park|utcája|caddesi|cad|sokak|"
    "sokağı|sok|bulvarı|mahallesi|mah|gården|parken|bakken|haven|engen|"  # noqa: RUF001 - the Turkish letter is meant
    "marken|løkken|leden|åsen"
)
#: Come with a number, somewhere in an address.
UNITS = (
    "apt|apartment|apartamento|appartement|appartamento|appt|app|suite|flat|unit|floor|level|block|bloc|"
    r"building|studio|box|bus|room|h\.? ?no|house no|lot|piso|puerta|interior|int|depto|edif|edificio|esc|bl|"
    "sc|ap|et|etage|wohnung|whg|top|stiege|haus|nr|no|núm|num|n|lok|m|byt|lgh|asunto|as|daire|kat|d|emelet|"
    r"ajtó|p\.? ?o\.? box|postfach|boîte|bp|casilla|rt|rw|sala|andar|apto|bloco|lote|fracção"
)
#: Announce an address: what follows, up to the end of the clause, is one if it holds a number.
CUES = (
    "address(?:es)?|adress|adresse|adressen|adres|adresem|dirección|direccion|domicilio|indirizzo|endereço|"
    "morada|osoite|osoitteessa|adresa|adrese|cím|címem|anschrift|wohnhaft|located at|deliver(?:ed)? to|"
    "ship(?:ped)? to|return to|live[sd]? (?:at|on|in)|living (?:at|on|in)|moved? (?:to|from)|moving to|"
    "grew up (?:at|on|in)|house (?:at|on|in)|wohn(?:e|t|en) (?:jetzt |nun )?(?:in|an|am|auf)|"
    "habit(?:e|ons|ent) (?:maintenant )?(?:au|à|dans|en)|viv[eo]n? (?:ahora )?en|abit[oa] (?:ora )?in|"
    "woo?n(?:t|en)? (?:nu )?(?:op|aan|in)|mieszka(?:m|my)? (?:teraz )?(?:przy|na|pod adresem)|"
    "bor (?:nu )?(?:på|i)|moro (?:agora )?(?:na|no|em)|vivo (?:na|no|em)|bydlím (?:teď )?(?:na adrese|v|na)|"
    "asun (?:nyt )?(?:osoitteessa)?|lakom|oturuyorum|locuiesc (?:pe|în|la)"
)
#: Begin the names of places, however frequent they are.
PLACE_FIRST = frozenset(
    _words(
        "new old north south east west upper lower great little port lake saint st san santa los la le fort mount the"
    )
)
#: Have a number after them and are no street.
NUMBERED = frozenset(
    _words(
        "chapter page room level part psalm windows version day week figure table act scene opus symphony "
        "number grade class team year age bus line gate platform track season episode book volume vol issue "
        "question step phase group row seat flight train tram hour hours minute minutes kapitel seite zimmer "
        "teil tag woche chapitre partie jour capítulo página parte día capitolo pagina giorno hoofdstuk dag "
        "strona rozdział sida kapitlet top route highway interstate formula covid sonata quartet concerto "
        "genesis exodus matthew mark luke john romans corinthians iphone galaxy ps xbox model type boeing "
        "airbus article section clause act paragraph law title code catch area apollo"
    )
)
#: Months and days of the week.
MONTHS = frozenset(
    _words(
        "january february march april may june july august september october november december jan feb mar "
        "apr jun jul aug sep sept oct nov dec januar februar märz april mai juni juli august oktober "
        "dezember janvier février mars avril juin juillet août septembre octobre novembre décembre enero "
        "febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre gennaio febbraio "
        "aprile maggio giugno luglio settembre ottobre dicembre januari februari maart mei augustus stycznia "
        "lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia janeiro "
        "fevereiro março maio junho julho setembro outubro dezembro monday tuesday wednesday thursday friday "
        "saturday sunday"
    )
)
