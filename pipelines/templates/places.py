"""Templates of countries, flags and ships, as the names that Wikipedia shows."""

from __future__ import annotations

from pipelines.templates.args import Args, Rule, joined, pairs, positional, text_of, with_aliases

__all__ = ["RULES", "ship_rule"]

COUNTRIES = pairs(
    """
AFG=Afghanistan,ALB=Albania,DZA=Algeria,AND=Andorra,AGO=Angola,ARG=Argentina,ARM=Armenia,ABW=Aruba,AUS=Australia,
AUT=Austria,AZE=Azerbaijan,BHS=Bahamas,BAH=Bahamas,BHR=Bahrain,BGD=Bangladesh,BRB=Barbados,BLR=Belarus,
BEL=Belgium,BLZ=Belize,BEN=Benin,BMU=Bermuda,BTN=Bhutan,BOL=Bolivia,BIH=Bosnia and Herzegovina,BWA=Botswana,
BRA=Brazil,BRN=Brunei,BUL=Bulgaria,BGR=Bulgaria,BFA=Burkina Faso,BDI=Burundi,KHM=Cambodia,CMR=Cameroon,
CAN=Canada,CPV=Cape Verde,CYM=Cayman Islands,TCD=Chad,CHL=Chile,CHI=Chile,CHN=China,PRC=China,COL=Colombia,
COM=Comoros,COD=Democratic Republic of the Congo,COG=Republic of the Congo,CRI=Costa Rica,CRC=Costa Rica,
CIV=Ivory Coast,HRV=Croatia,CRO=Croatia,CUB=Cuba,CUR=Curaçao,CYP=Cyprus,CZE=Czech Republic,DNK=Denmark,
DEN=Denmark,DJI=Djibouti,DMA=Dominica,DOM=Dominican Republic,ECU=Ecuador,EGY=Egypt,SLV=El Salvador,
GNQ=Equatorial Guinea,ERI=Eritrea,EST=Estonia,ETH=Ethiopia,EU=European Union,FIN=Finland,FRA=France,GAB=Gabon,
GMB=Gambia,GEO=Georgia,DEU=Germany,GER=Germany,GDR=East Germany,FRG=West Germany,GHA=Ghana,GRC=Greece,GRE=Greece,
GRD=Grenada,GTM=Guatemala,GIN=Guinea,GNB=Guinea-Bissau,GUY=Guyana,HTI=Haiti,HON=Honduras,HND=Honduras,
HKG=Hong Kong,HUN=Hungary,ISL=Iceland,IND=India,IDN=Indonesia,IRN=Iran,IRI=Iran,IRQ=Iraq,IRL=Ireland,ISR=Israel,
ITA=Italy,JAM=Jamaica,JPN=Japan,JOR=Jordan,KAZ=Kazakhstan,KEN=Kenya,KOS=Kosovo,KWT=Kuwait,KGZ=Kyrgyzstan,
LAO=Laos,LVA=Latvia,LAT=Latvia,LBN=Lebanon,LSO=Lesotho,LBR=Liberia,LBY=Libya,LIE=Liechtenstein,LTU=Lithuania,
LUX=Luxembourg,MKD=Macedonia,MDG=Madagascar,MWI=Malawi,MYS=Malaysia,MAS=Malaysia,MDV=Maldives,MLI=Mali,MLT=Malta,
MRT=Mauritania,MUS=Mauritius,MEX=Mexico,MDA=Moldova,MCO=Monaco,MNG=Mongolia,MNE=Montenegro,MAR=Morocco,
MOZ=Mozambique,MMR=Myanmar,NAM=Namibia,NPL=Nepal,NLD=Netherlands,NED=Netherlands,NZL=New Zealand,NIC=Nicaragua,
NER=Niger,NGA=Nigeria,NGR=Nigeria,PRK=North Korea,NOR=Norway,OMN=Oman,PAK=Pakistan,PSE=Palestine,PAN=Panama,
PNG=Papua New Guinea,PRY=Paraguay,PER=Peru,PHL=Philippines,PHI=Philippines,POL=Poland,PRT=Portugal,POR=Portugal,
PRI=Puerto Rico,QAT=Qatar,ROU=Romania,RUS=Russia,RWA=Rwanda,SAU=Saudi Arabia,KSA=Saudi Arabia,SEN=Senegal,
SRB=Serbia,SYC=Seychelles,SLE=Sierra Leone,SGP=Singapore,SIN=Singapore,SVK=Slovakia,SVN=Slovenia,SLO=Slovenia,
SOM=Somalia,ZAF=South Africa,RSA=South Africa,KOR=South Korea,SSD=South Sudan,URS=Soviet Union,USSR=Soviet Union,
ESP=Spain,LKA=Sri Lanka,SDN=Sudan,SUR=Suriname,SWZ=Swaziland,SWE=Sweden,CHE=Switzerland,SUI=Switzerland,
SYR=Syria,TWN=Taiwan,ROC=Republic of China,TJK=Tajikistan,TZA=Tanzania,THA=Thailand,TGO=Togo,
TTO=Trinidad and Tobago,TUN=Tunisia,TUR=Turkey,TKM=Turkmenistan,UGA=Uganda,UKR=Ukraine,ARE=United Arab Emirates,
UAE=United Arab Emirates,GBR=United Kingdom,UK=United Kingdom,ENG=England,SCO=Scotland,WAL=Wales,
NIR=Northern Ireland,USA=United States,URY=Uruguay,URU=Uruguay,UZB=Uzbekistan,VEN=Venezuela,VNM=Vietnam,
VIE=Vietnam,YEM=Yemen,YUG=Yugoslavia,ZMB=Zambia,ZIM=Zimbabwe,ZWE=Zimbabwe,GGY=Guernsey,JEY=Jersey,
IOM=Isle of Man,FRO=Faroe Islands,GRL=Greenland,BVT=Bouvet Island,SHN=Saint Helena,STP=São Tomé and Príncipe,
ESH=Western Sahara,FLK=Falkland Islands,SGS=South Georgia and the South Sandwich Islands,AIA=Anguilla,
ATG=Antigua and Barbuda,VGB=British Virgin Islands,MSR=Montserrat,SKN=Saint Kitts and Nevis,LCA=Saint Lucia,
SXM=Sint Maarten,MAF=Saint Martin,VCT=Saint Vincent and the Grenadines,TCA=Turks and Caicos Islands,
VIR=U.S. Virgin Islands,TCH=Czechoslovakia,US=United States
    """
)
"""Country codes with the name that a flag template shows. Source: Template:Country data and its family."""

_SHIPS = """
uss usns uscgc hms hmas hmcs hmnzs hmt hmy rms ss ms mv mt ins iss usat usrc usrm sms brp css gts hnoms hdms
hmhs hmpngs jds js kri nrp orp rfa rv smcs hswms hnlms hmis pns roks rocs srv tcg tug
"""
_SHIP_PREFIXES = frozenset(_SHIPS.split())


_WORDS = frozenset({"US", "AND", "COM", "ARE"})
"""Codes whose template is another one, or none."""


def _flag(args: Args) -> str:
    """`{{flag|Brazil}}` and `{{flagcountry|USA}}` show the country's name. Source: Template:Flag."""
    shown = text_of(args, "name", "1")
    return COUNTRIES.get(shown, shown)


def _army(args: Args) -> str:
    """`{{army|USA|1861}}` shows 'United States Army'. Source: Template:Army."""
    country = _flag(args)
    return f"{country} Army" if country else ""


def _ship(prefix: str) -> Rule:
    """`{{USS|Texas|BB-35|6}}` shows 'USS Texas (BB-35)'; the last argument says which parts. Source: Template:USS."""

    def rule(args: Args) -> str:
        name, hull, style = (positional(args, place) for place in (1, 2, 3))
        return _ship_name(prefix, name, hull, style or args.get("up", ""))

    return rule


def _ship_name(prefix: str, name: str, hull: str, style: str) -> str:
    """Write a ship's name. Styles: 1 hull only, 2 name only, 3 name and hull, 5 prefix, hull, 6 prefix, name.

    Source: Template:Ship, parameter 4 (format). Without one the prefix, the name and the hull number are shown.
    """
    if style == "1" and hull:
        return hull
    if style == "2":
        return name
    if style == "3":
        return joined(" ", name, f"({hull})" if hull else "")
    if style == "5" and hull:
        return joined(" ", prefix, hull)
    if style == "6":
        return joined(" ", prefix, name)
    return joined(" ", prefix, name, f"({hull})" if hull else "")


def _any_ship(args: Args) -> str:
    """`{{ship|HMS|Victory|1765}}`: the prefix is the first argument. Source: Template:Ship."""
    prefix, name, hull, style = (positional(args, place) for place in (1, 2, 3, 4))
    return _ship_name(prefix, name, hull, style)


def _ship_class(args: Args) -> str:
    """`{{sclass|Iowa|battleship}}` shows 'Iowa-class battleship'. Source: Template:Sclass."""
    name, kind = positional(args, 1), positional(args, 2)
    return joined(" ", f"{name}-class" if name else "", kind)


def _country_of(code: str) -> Rule:
    return lambda args: args.get("name") or COUNTRIES[code]


def _nothing(_args: Args) -> str:
    """`{{flagicon|FRA}}` shows a picture only. Source: Template:Flagicon."""
    return ""


def ship_rule(name: str) -> Rule | None:
    """Find the rule of a template named after a ship's prefix.

    >>> ship_rule("hms")({"1": "Victory", "2": "1765"})
    'HMS Victory (1765)'
    """
    return _ship(name.upper()) if name in _SHIP_PREFIXES else None


RULES: dict[str, Rule] = {
    code.lower(): _country_of(code)
    for code in COUNTRIES
    if code not in ("US", "AND", "COM", "ARE", "PER", "IRI", "ISL")
}
RULES |= {
    "army": _army,
    "navy": lambda args: f"{_flag(args)} Navy" if _flag(args) else "",
    "air force": lambda args: f"{_flag(args)} Air Force" if _flag(args) else "",
    "flag": _flag,
    "flagicon": _nothing,
    "ship": _any_ship,
    "sclass": _ship_class,
    "sclass-": _ship_class,
    "sclass2": _ship_class,
    "sclass2-": _ship_class,
}
RULES = with_aliases(
    RULES,
    {
        "flag": (
            "country|fb|flag country|flag ioc|flag+link|flag2|flagcountry|flagg|flagioc|"
            "flagioc2|flaglist|flagmedalist|flagpole|flagright|flagteam|flagu|nft"
        ),
        "flagicon": "fbicon|flag deco|flag icon|flagdeco|flagicon image|flagicon2",
    },
)
