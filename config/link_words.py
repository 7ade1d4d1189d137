"""Words that distinguish links from names."""

from __future__ import annotations


def _split_word_list(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Well-known top-level domains.
GENERIC_DOMAINS = _split_word_list(
    """
    com net org info biz edu gov mil int app dev page site online shop store club live tech xyz
    top link click icu vip win bid loan help support services service cloud email website space
    digital agency finance financial bank banking credit money cash pay world news blog media
    mobi name pro tel travel jobs asia cat aero coop museum team zone network systems solutions
    company center today life group global international social chat wiki fun buzz rest host
    press ltd llc inc gmbh limited bet casino games game video photos pics ink cyou sbs cfd
    quest monster lol mom men work works tools guru expert directory download review reviews
    stream trade science party accountant date faith cricket racing webcam gdn onion local
    localhost example invalid google amazon apple microsoft ly gl gd me co io ai gg tv cc ws to
    am fm sh id im شبكة موقع كوم عرب بازار امارات السعودية مصر ком рф рус укр бел онлайн сайт
    орг дети москва
    """
)
#: Country-code top-level domains.
COUNTRY_DOMAINS = _split_word_list(
    """
    ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs
    bt bv bw by bz ca cc cd cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec
    ee eg er es et eu fi fj fk fm fo fr ga gb gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy
    hk hm hn hr ht hu id ie il im in io iq ir is it je jm jo jp ke kg kh ki km kn kp kr kw ky kz
    la lb lc li lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw mx
    my mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re
    ro rs ru rw sa sb sc sd se sg sh si sj sk sl sm sn so sr ss st su sv sx sy sz tc td tf tg th
    tj tk tl tm tn to tr tt tv tw tz ua ug uk us uy uz va vc ve vg vi vn vu wf ws ye yt za zm zw
    """
)
#: Surnames that are also top-level domains: after an initial they are taken as surnames.
SURNAME_DOMAINS = _split_word_list(
    """
    li ng ly vu so do my ma mo mu su lu cu sa sy ky gu ba bo la hu ho page dev guru cash
    """
)
#: Everyday words that are also country codes.
EVERYDAY_WORDS = _split_word_list(
    """
    in is it at no so to be by do my us me am as an or if la de es el un y al se ni te du et en
    il mi ti si da im ins id ad pa re
    """
)
#: Particles before surnames.
SURNAME_PARTICLES = _split_word_list(
    """
    de da do di du la le los las del della dei des den der van von vom vander vande zu zum zur
    ter ten te af av al el ul bin bint ibn ben dos das st ap ab san santa abu abd y e i und
    """
)
#: Titles and abbreviations that end in a full stop.
ABBREVIATIONS = _split_word_list(
    """
    dr prof mr mrs ms mx sr sra srta jr st ste sta sto fr hr herr frau ing dipl mag rev hon capt
    lt sgt col gen univ dra don dna lic abg rer nat med phil jur priv doz kfm abt nr no nro num
    ch chr th ph wm geo jas jos joh alex tj yu co fa bzgl betr inkl exkl zzgl str ca max mme
    mlle mgr me br pat sen rep gov atty esq sig dott avv dhr mevr drs ir mw ดร ผศ รศ นพ พญ
    """
) - {"me", "gov"}
#: URL schemes of links other than web pages.
LINK_SCHEMES = sorted(
    _split_word_list(
        """
    https? hxxps? ftps? mailto tel sms smsto mms file data javascript vbscript whatsapp tg skype
    callto facetime intent market viber sips? geo bitcoin signal threema weixin blob wss? ssh
        """
    )
)
#: Words for the full stop.
DOT_WORDS = ("dot", "d0t", "punkt", "punto", "ponto", "point", "punct", "tochka", "точка", "نقطة")
#: Characters that look the same: full stops, other dots, slashes, colons, and invisible ones.
LOOKALIKE_SIGNS = str.maketrans(
    {
        **dict.fromkeys("。｡．․﹒۔܁܂᠃꓿", "."),
        **dict.fromkeys("•∙⋅・･‧・●∘᛫", "·"),
        **dict.fromkeys("⁄∕╱⧸⟋", "/"),
        **dict.fromkeys("∶ː꞉︰", ":"),
        **dict.fromkeys("\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5", ""),
        **dict.fromkeys("〇零", "0"),
        "ı": "i",
    }
)
#: Letters of other alphabets that look like Latin ones.
LOOKALIKE_LETTERS = str.maketrans(
    "абвгеёзикмнорстухьіјѕһԁԛԝӏαβεηικνοπρτυχγωմոսրց",
    "abbreezukmhopctyxbijshdqwlabeniknoprtuxywunuph",
)
TOP_LEVEL_DOMAINS = (
    GENERIC_DOMAINS
    | COUNTRY_DOMAINS
    | {item.translate(LOOKALIKE_LETTERS) for item in GENERIC_DOMAINS}
)
