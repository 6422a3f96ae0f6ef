"""Units of measurement: code, names, symbol, size in SI units, and what Template:Convert shows beside them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pipelines.templates.args import pairs

__all__ = ["MULTIPLES", "Unit", "find_unit"]


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit. A value v means `v * scale + offset` in the SI unit of its kind.

    Args:
        kind: the quantity; only units of one kind convert into each other.
        singular, plural: names in British spelling.
        symbol: as Wikipedia abbreviates it.
        scale: size in SI units.
        defaults: codes of the units that are shown where the article names none.
        offset: of temperatures, in kelvin.
        multiple: a power of ten that stands in words before the name ('million'), as an exponent of ten; 0 without.
    """

    kind: str
    singular: str
    plural: str
    symbol: str
    scale: float
    defaults: str
    offset: float = 0.0
    multiple: int = 0


MULTIPLES = {3: "thousand", 6: "million", 9: "billion", 12: "trillion"}

_FOOT, _POUND, _GALLON, _IMPERIAL_GALLON, _BARREL = 0.3048, 0.45359237, 3.785411784e-3, 4.54609e-3, 0.158987294928
_ACRE, _MILE, _NEWTON_POUND, _HORSEPOWER = 4046.8564224, 1609.344, 4.4482216152605, 745.69987158227
_TABLE: dict[str, str] = {
    # code, singular/plural, symbol, size in SI units, default units; an underscore stands for a blank
    "length": f"""
        m metre/metres m 1 ft
        km kilometre/kilometres km 1e3 mi
        dm decimetre/decimetres dm 0.1 in
        cm centimetre/centimetres cm 1e-2 in
        mm millimetre/millimetres mm 1e-3 in
        um micrometre/micrometres μm 1e-6 in
        nm nanometre/nanometres nm 1e-9 in
        Mm megametre/megametres Mm 1e6 mi
        Gm gigametre/gigametres Gm 1e9 mi
        mi mile/miles mi {_MILE} km
        nmi nautical_mile/nautical_miles nmi 1852 km_mi
        ft foot/feet ft {_FOOT} m
        in inch/inches in 0.0254 mm
        yd yard/yards yd 0.9144 m
        fathom fathom/fathoms fathoms 1.8288 ft_m
        furlong furlong/furlongs furlongs 201.168 m
        chain chain/chains chains 20.1168 m
        rod rod/rods rods 5.0292 m
        hand hand/hands hands 0.1016 in_cm
        ly light-year/light-years ly 9.4607304725808e15 pc
        pc parsec/parsecs pc 3.0856775814913673e16 ly
        kpc kiloparsec/kiloparsecs kpc 3.0856775814913673e19 kly
        kly kilolight-year/kilolight-years kly 9.4607304725808e18 kpc
        Mpc megaparsec/megaparsecs Mpc 3.0856775814913673e22 Mly
        Mly megalight-year/megalight-years Mly 9.4607304725808e21 Mpc
        AU astronomical_unit/astronomical_units AU 149597870700 km_mi
        Å angstrom/angstroms Å 1e-10 in
    """,
    "area": f"""
        km2 square_kilometre/square_kilometres km² 1e6 sqmi
        m2 square_metre/square_metres m² 1 sqft
        cm2 square_centimetre/square_centimetres cm² 1e-4 sqin
        mm2 square_millimetre/square_millimetres mm² 1e-6 sqin
        ha hectare/hectares ha 1e4 acre
        sqmi square_mile/square_miles sq_mi {_MILE**2} km2
        acre acre/acres acres {_ACRE} ha
        sqft square_foot/square_feet sq_ft {_FOOT**2} m2
        sqin square_inch/square_inches sq_in 6.4516e-4 cm2
        sqyd square_yard/square_yards sq_yd 0.83612736 m2
        sqnmi square_nautical_mile/square_nautical_miles sq_nmi {1852.0**2} km2_sqmi
    """,
    "volume": f"""
        m3 cubic_metre/cubic_metres m³ 1 cuft
        km3 cubic_kilometre/cubic_kilometres km³ 1e9 cumi
        cm3 cubic_centimetre/cubic_centimetres cm³ 1e-6 cuin
        cc cubic_centimetre/cubic_centimetres cc 1e-6 cuin
        L litre/litres L 1e-3 impgal_USgal
        l litre/litres l 1e-3 impgal_USgal
        ml millilitre/millilitres ml 1e-6 impfloz_USfloz
        cl centilitre/centilitres cl 1e-5 impfloz_USfloz
        hl hectolitre/hectolitres hl 0.1 impgal_USgal
        Ml megalitre/megalitres Ml 1e3 e6impgal_e6USgal
        cuft cubic_foot/cubic_feet cu_ft {_FOOT**3} m3
        cuin cubic_inch/cubic_inches cu_in 1.6387064e-5 cc
        cuyd cubic_yard/cubic_yards cu_yd 0.764554857984 m3
        cumi cubic_mile/cubic_miles cu_mi {_MILE**3} km3
        USgal US_gallon/US_gallons US_gal {_GALLON} L_impgal
        impgal imperial_gallon/imperial_gallons imp_gal {_IMPERIAL_GALLON} L_USgal
        USfloz US_fluid_ounce/US_fluid_ounces US_fl_oz {_GALLON / 128} ml_impfloz
        impfloz imperial_fluid_ounce/imperial_fluid_ounces imp_fl_oz {_IMPERIAL_GALLON / 160} ml_USfloz
        USpt US_pint/US_pints US_pt {_GALLON / 8} ml_imppt
        imppt imperial_pint/imperial_pints imp_pt {_IMPERIAL_GALLON / 8} ml_USpt
        USqt US_quart/US_quarts US_qt {_GALLON / 4} L
        USbsh US_bushel/US_bushels US_bsh 0.03523907016688 L
        oilbbl barrel/barrels bbl {_BARREL} m3
        acre·ft acre-foot/acre-feet acre⋅ft {_ACRE * _FOOT} m3
        GRT gross_register_ton/gross_register_tons GRT 2.8316846592 m3
    """,
    "mass": f"""
        kg kilogram/kilograms kg 1 lb
        g gram/grams g 1e-3 oz
        mg milligram/milligrams mg 1e-6 gr
        ug microgram/micrograms μg 1e-9 gr
        t tonne/tonnes t 1e3 LT_ST
        MT metric_ton/metric_tons t 1e3 LT_ST
        lb pound/pounds lb {_POUND} kg
        oz ounce/ounces oz {_POUND / 16} g
        ozt troy_ounce/troy_ounces ozt 0.0311034768 g
        gr grain/grains gr 6.479891e-5 mg
        st stone/stone st {_POUND * 14} lb_kg
        LT long_ton/long_tons long_tons {_POUND * 2240} t
        ST short_ton/short_tons short_tons {_POUND * 2000} t
        cwt hundredweight/hundredweight cwt {_POUND * 112} kg
        carat carat/carats carats 2e-4 g
    """,
    "speed": f"""
        km/h kilometre_per_hour/kilometres_per_hour km/h {1 / 3.6} mph
        km/s kilometre_per_second/kilometres_per_second km/s 1e3 mi/s
        mi/s mile_per_second/miles_per_second mi/s {_MILE} km/s
        m/s metre_per_second/metres_per_second m/s 1 ft/s
        ft/s foot_per_second/feet_per_second ft/s {_FOOT} m/s
        ft/min foot_per_minute/feet_per_minute ft/min {_FOOT / 60} m/min
        m/min metre_per_minute/metres_per_minute m/min {1 / 60} ft/min
        mph mile_per_hour/miles_per_hour mph {_MILE / 3600} km/h
        kn knot/knots kn {1852 / 3600} km/h_mph
    """,
    "power": f"""
        W watt/watts W 1 hp
        kW kilowatt/kilowatts kW 1e3 hp
        MW megawatt/megawatts MW 1e6 hp
        GW gigawatt/gigawatts GW 1e9 hp
        hp horsepower/horsepower hp {_HORSEPOWER} kW
        bhp brake_horsepower/brake_horsepower bhp {_HORSEPOWER} kW
        shp shaft_horsepower/shaft_horsepower shp {_HORSEPOWER} kW
        ihp indicated_horsepower/indicated_horsepower ihp {_HORSEPOWER} kW
        PS metric_horsepower/metric_horsepower PS 735.49875 kW
    """,
    "energy": f"""
        J joule/joules J 1 cal
        kJ kilojoule/kilojoules kJ 1e3 kcal
        MJ megajoule/megajoules MJ 1e6 kWh
        cal calorie/calories cal 4.184 J
        kcal kilocalorie/kilocalories kcal 4184 kJ
        kWh kilowatt-hour/kilowatt-hours kWh 3.6e6 MJ
        ftlbf foot-pound/foot-pounds ft⋅lbf {_FOOT * _NEWTON_POUND} J
        eV electronvolt/electronvolts eV 1.602176634e-19 J
    """,
    "torque": f"""
        Nm newton-metre/newton-metres N⋅m 1 lbft
        lbft pound-foot/pound-feet lb⋅ft {_FOOT * _NEWTON_POUND} Nm
    """,
    "force": f"""
        N newton/newtons N 1 lbf
        kN kilonewton/kilonewtons kN 1e3 lbf
        MN meganewton/meganewtons MN 1e6 lbf
        lbf pound-force/pounds-force lbf {_NEWTON_POUND} N
        kgf kilogram-force/kilograms-force kgf 9.80665 N_lbf
    """,
    "pressure": f"""
        Pa pascal/pascals Pa 1 psi
        hPa hectopascal/hectopascals hPa 100 inHg
        kPa kilopascal/kilopascals kPa 1e3 psi
        MPa megapascal/megapascals MPa 1e6 ksi
        GPa gigapascal/gigapascals GPa 1e9 psi
        bar bar/bars bar 1e5 kPa
        mbar millibar/millibars mbar 100 inHg
        atm standard_atmosphere/standard_atmospheres atm 101325 kPa
        psi pound_per_square_inch/pounds_per_square_inch psi {_NEWTON_POUND / 6.4516e-4} kPa
        ksi kilopound_per_square_inch/kilopounds_per_square_inch ksi {_NEWTON_POUND / 6.4516e-7} MPa
        inHg inch_of_mercury/inches_of_mercury inHg 3386.388640341 kPa
        mmHg millimetre_of_mercury/millimetres_of_mercury mmHg 133.322387415 kPa
    """,
    "density of people": f"""
        PD/km2 inhabitant_per_square_kilometre/inhabitants_per_square_kilometre /km² 1e-6 PD/sqmi
        PD/sqmi inhabitant_per_square_mile/inhabitants_per_square_mile /sq_mi {1 / _MILE**2} PD/km2
        PD/ha inhabitant_per_hectare/inhabitants_per_hectare /ha 1e-4 PD/acre
        PD/acre inhabitant_per_acre/inhabitants_per_acre /acre {1 / _ACRE} PD/ha
        /km2 per_square_kilometre/per_square_kilometre /km² 1e-6 /sqmi
        /sqmi per_square_mile/per_square_mile /sq_mi {1 / _MILE**2} /km2
    """,
    "flow": f"""
        m3/s cubic_metre_per_second/cubic_metres_per_second m³/s 1 cuft/s
        cuft/s cubic_foot_per_second/cubic_feet_per_second cu_ft/s {_FOOT**3} m3/s
        m3/d cubic_metre_per_day/cubic_metres_per_day m³/d {1 / 86400} cuft/d
        cuft/d cubic_foot_per_day/cubic_feet_per_day cu_ft/d {_FOOT**3 / 86400} m3/d
        oilbbl/d barrel_per_day/barrels_per_day bbl/d {_BARREL / 86400} m3/d
    """,
    "density": f"""
        kg/m3 kilogram_per_cubic_metre/kilograms_per_cubic_metre kg/m³ 1 lb/cuyd
        g/cm3 gram_per_cubic_centimetre/grams_per_cubic_centimetre g/cm³ 1e3 lb/cuin
        lb/cuft pound_per_cubic_foot/pounds_per_cubic_foot lb/cu_ft {_POUND / _FOOT**3} g/cm3
        lb/cuin pound_per_cubic_inch/pounds_per_cubic_inch lb/cu_in {_POUND / 1.6387064e-5} g/cm3
        lb/cuyd pound_per_cubic_yard/pounds_per_cubic_yard lb/cu_yd {_POUND / 0.764554857984} kg/m3
    """,
}
"""Source: Module:Convert/data for names, symbols and defaults; NIST SP 811 for the sizes."""
_TEMPERATURES = {
    "C": Unit("temperature", "degree Celsius", "degrees Celsius", "°C", 1.0, "F", 273.15),
    "F": Unit("temperature", "degree Fahrenheit", "degrees Fahrenheit", "°F", 5 / 9, "C", 459.67 * 5 / 9),
    "K": Unit("temperature", "kelvin", "kelvins", "K", 1.0, "C F"),
    "R": Unit("temperature", "degree Rankine", "degrees Rankine", "°R", 5 / 9, "K C F"),
    "C-change": Unit("temperature difference", "degree Celsius", "degrees Celsius", "°C", 1.0, "F-change"),
    "F-change": Unit("temperature difference", "degree Fahrenheit", "degrees Fahrenheit", "°F", 5 / 9, "C-change"),
    "K-change": Unit("temperature difference", "kelvin", "kelvins", "K", 1.0, "F-change"),
}
_ALIASES = pairs(
    """
metre=m,metres=m,meter=m,meters=m,kilometre=km,kilometres=km,kilometer=km,kilometers=km,mile=mi,miles=mi,smi=mi,
foot=ft,feet=ft,inch=in,inches=in,yard=yd,yards=yd,nmile=nmi,NM=nmi,centimetre=cm,centimeter=cm,millimetre=mm,
millimeter=mm,μm=um,µm=um,micrometre=um,ftm=fathom,fathoms=fathom,fur=furlong,ch=chain,au=AU,sqkm=km2,km²=km2,
sqm=m2,m²=m2,mi2=sqmi,mi²=sqmi,ft2=sqft,sqfoot=sqft,in2=sqin,yd2=sqyd,hectare=ha,acres=acre,litre=L,liter=L,
ft3=cuft,in3=cuin,cid=cuin,CID=cuin,yd3=cuyd,mi3=cumi,gal=USgal,U.S.gal=USgal,usgal=USgal,imperialgallon=impgal,
USoz=USfloz,floz=USfloz,impoz=impfloz,bbl=oilbbl,acre.ft=acre·ft,acreft=acre·ft,acre-ft=acre·ft,mL=ml,cL=cl,
hL=hl,ML=Ml,tonne=t,tonnes=t,metric_ton=MT,lbs=lb,pound=lb,pounds=lb,kilogram=kg,kilograms=kg,gram=g,kilo=kg,
kgs=kg,ounce=oz,ounces=oz,stone=st,long_ton=LT,shortton=ST,longton=LT,S/T=ST,L/T=LT,µg=ug,μg=ug,ct=carat,
carats=carat,kph=km/h,kmh=km/h,mi/h=mph,MPH=mph,knot=kn,knots=kn,kt=kn,fps=ft/s,m/sec=m/s,BHP=bhp,horsepower=hp,
metrichp=PS,watt=W,N.m=Nm,N·m=Nm,ft.lbf=ftlbf,ft·lbf=ftlbf,lb.ft=lbft,lb·ft=lbft,ft.lb=lbft,lbf.ft=lbft,
lbf·ft=lbft,ftlb=lbft,lb-f=lbf,kg-f=kgf,°C=C,celsius=C,Celsius=C,degC=C,°F=F,fahrenheit=F,Fahrenheit=F,degF=F,
°K=K,°R=R,C°=C,F°=F,deltaC=C-change,deltaF=F-change,inhabitants/km2=PD/km2,PD/mi2=PD/sqmi,/mi2=/sqmi,
pop/km2=PD/km2,ft3/s=cuft/s,cufts=cuft/s,cumecs=m3/s,cuft/sec=cuft/s,m3/day=m3/d,bbl/d=oilbbl/d,angstrom=Å
    """
)
_PREFIXES = {"koi": 3, "e3": 3, "M": 6, "e6": 6, "G": 9, "e9": 9, "T": 12, "e12": 12, "k": 3}
_COUNTED = frozenset({"oilbbl", "oilbbl/d", "USgal", "impgal", "cuft", "cuft/d", "acre·ft"})
"""Units that take an SI prefix as a number word: Moilbbl is a million barrels. Source: Template:Convert, full list."""

_MULTIPLE_DEFAULTS = {
    "e3acre": "km2",
    "e6acre": "km2",
    "e6carat": "kg",
    "e3carat": "kg",
    "e12cuft": "km3",
    "e9cuft": "e6m3",
}


def _units() -> dict[str, Unit]:
    units = dict(_TEMPERATURES)
    for kind, lines in _TABLE.items():
        for line in lines.strip().splitlines():
            code, names, symbol, scale, defaults = line.split()
            singular, plural = names.replace("_", " ").split("/")
            units[code] = Unit(
                kind, singular, plural, symbol.replace("_", " "), float(scale), defaults.replace("_", " ")
            )
    return units


_UNITS = _units()


def find_unit(code: str) -> Unit | None:
    """Find the unit of a code of Template:Convert.

    Args:
        code: for instance `km2`, `sqmi`, `e6acre`, `koilbbl/d`; blanks around it do not matter.

    Returns:
        The unit, or None where the code is unknown.

    >>> find_unit("mi").plural, find_unit("e6acre").multiple, find_unit("parrot") is None
    ('miles', 6, True)
    """
    code = code.strip()
    known = _ALIASES.get(code, code)
    if known in _UNITS:
        return _UNITS[known]
    for prefix, power in _PREFIXES.items():
        rest = code.removeprefix(prefix)
        if rest == code:
            continue
        known = _ALIASES.get(rest, rest)
        if known in _UNITS and (prefix.startswith("e") or known in _COUNTED):
            unit, multiple = _UNITS[known], f"e{power}"
            defaults = _MULTIPLE_DEFAULTS.get(multiple + known) or " ".join(
                multiple + default for default in unit.defaults.split()
            )
            return replace(unit, scale=unit.scale * 10.0**power, defaults=defaults, multiple=power)
    return None
