"""Reply words: the word a confirmed customer says to the caller, who sees the same word.

They are short, common, easy to tell apart on the phone, and none is a keyword of carriers or of
ours (rule M3).
"""

from __future__ import annotations

import secrets

_CARRIERS = "stop stopall unsubscribe cancel end quit start yes unstop help info"
_OURS = """
check scam move refuse phrase pruefen prufen betrug verschieben ablehnen satz
comprobar estafa mover rechazar frase
"""
RESERVED_WORDS = frozenset(f"{_CARRIERS} {_OURS}".split())

_ENGLISH = """
apple anchor april autumn baker balcony bamboo banana barrel basket beaver bicycle biscuit blanket
blossom bottle branch bridge brother bucket butter button cabin camel candle canvas carpet carrot
castle cello cherry chimney cinema circle clover coffee copper corner cotton cousin cricket crystal
curtain daisy dancer diamond dinner doctor dolphin donkey dragon eagle early easter elbow elephant
engine evening falcon family farmer feather fiddle finger flower forest fountain friday garden
garlic ginger giraffe glacier golden grandma grape hammer harbour harvest hazel helmet hotel ivory
jacket january jelly jungle kettle kitchen kitten ladder lantern lemon lettuce library lobster
lunch magnet mango maple marble market meadow melon mirror monday monkey morning mother mountain
museum mustard napkin needle number nutmeg ocean olive onion orange orchard oyster paddle paper
parrot parsley pebble pencil penguin pepper piano picnic pigeon pillow planet pocket pony potato
powder prince pumpkin purple puzzle rabbit radio railway raven ribbon river rocket rubber saddle
sailor salmon sandal saturn school scissors season shadow shoulder silver sister snowman spider
spinach spring squirrel station summer sunday sunset swallow table tailor teapot temple thunder
tiger timber tomato tractor trumpet tulip tunnel turtle uncle valley vanilla velvet village violin
walnut water weather wedding whistle window winter wizard yellow yoghurt zebra
"""
_GERMAN = """
apfel anker april balkon bambus banane bauer besen birne blume brille brot bruder butter dackel
donner drachen eimer elefant engel ente erdbeere esel fahne familie feder feuer finger fisch flasche
forelle freitag frosch garten geige giraffe glocke gurke hafen hammer hase himmel honig igel insel
jacke januar kaffee kamel kamin karotte kartoffel kastanie katze kerze kirsche koffer koralle krone
kuchen lampe laterne leiter linde marmor melone mittag mond morgen muschel mutter nadel nebel nelke
ofen orange orgel papagei paprika perle pfeffer pinsel pirat puppe quelle rabe regen rose sahne
salat sattel schere schnee schule schwester segel sommer sonne spiegel stern storch tanne tasche
teller teppich tiger tomate trommel tulpe ufer vogel wagen wald wasser wiese winter wolke zebra
zitrone zucker zwiebel
"""
_SPANISH = """
abeja abril abuela aceite agua aguja ajo almendra amarillo amigo ancla anillo arroz barco bosque
botella burro caballo cabra caracol casa castillo cebolla cereza cielo ciruela clavel cocina collar
conejo coral corona cuchara delfín diamante domingo elefante enero escalera espejo estrella familia
farol flauta flor fresa fuente gallina gato girasol guitarra helado hermano hoja hormiga isla jardín
jirafa jueves lago lechuga leche libro limón luna lunes madera maleta manzana mariposa martillo
melón mesa miel molino montaña naranja nieve noche nube oliva oso otoño pájaro palmera paloma pan
papel patata pato perla pimienta piano planeta plata playa primo puente queso rana reloj rosa sal
sandía silla sol sombrero tambor tejado tigre tomate torre tortuga trigo uva vaca vela ventana
verano violeta zapato zorro
"""
REPLY_WORDS: dict[str, tuple[str, ...]] = {
    "en": tuple(_ENGLISH.split()),
    "de": tuple(_GERMAN.split()),
    "es": tuple(_SPANISH.split()),
}


def choose_reply_word(locale: str) -> str:
    """Return a random word in the customer's language, or in English if we have no list for it."""
    return secrets.choice(REPLY_WORDS.get(locale.split("_", maxsplit=1)[0], REPLY_WORDS["en"]))
