"""Templates that show nothing in running text: notes, sources, maintenance, boxes, navigation, layout."""

from __future__ import annotations

import re

__all__ = ["is_silent"]

_HATNOTES = """
about|about-distinguish|about2|also|broader|category see also|chinese name|consider|correct title|defaultsort
details|details2|details3|disambiguation needed|displaytitle|distinguish|distinguish2|eastern name order|elect
family name hatnote|for|for timeline|for-multi|for-text|for2|foreign relations of|format note|further
further information|further2|furtherinformation|hatnote|hatnote group|hatnote inline|history|hungarian name
hurricane disambiguation|indian name|intitle|italic title|italictitle|japanese name|korean name|lookfrom
lowercase|lowercase title|lowercase1|main|main article|main articles|main category|main list|main portal
mainarticle|malay name|not to be confused|not to be confused with|noteta|nutshell|other hurricanes|other people
other people2|other people3|other people5|other persons|other places|other places2|other places3|other ships
other uses|other uses of|other uses2|other uses3|other uses4|otherpeople|otheruses|otheruses1|otheruses2
otheruses4|otherusesof|patronymic name|plural form of|portuguese name|redirect|redirect multi|redirect text
redirect-distinguish|redirect-distinguish2|redirect-multi|redirect-several|redirect-synonym|redirect2|redirect3
redirect4|redirect6|redirects here|related articles|see|see also|see also category|see also2|see introduction
see wiktionary|seealso|self-reference|selfref|short description|similar names|spanish name|spoken wikipedia
spoken wikipedia-2|spoken wikipedia-3|subarticle|surname clarify|technical reasons|this|three other uses|title
top|transhatnote|two other uses|two-other-uses|tworeds|uses|vietnamese name|western name order|year dab
"""
_SOURCES = """
1911|acad|ahnentafel|allmovie|allmusic|arxiv|asin|atp|authority control|authority control (arts)|bare url
bare url inline|bare url pdf|barrington|baseballstats|basketballstats|bbc online|bbc programme|bibcode|bioguide
book|book bar|books-inline|c-span|canadian parliament links|cantorion|caselaw source|catholic
catholic encyclopedia|cbignore|charlie rose|chatterton 2003|chesscom player|cia world factbook
cia world factbook link|citation|citation style|cite|cite doi|cite pmid|cite quran-ref|citeref|closed access
comicbookdb|commons|commons and category|commons cat|commons category|commons category multi
commons category-inline|commons-inline|commonscat|commonscat-inline|commonscatinline|congbio|congress bio
country study|country study attribution|curlie|daviscup player|dead|dead link|deadlink|discogs|discogs artist
discogs master|diseasesdb|dmoz|dnb|doi|doi-inline|eb1911|eb1911 poster|eb1922 poster|efn|efn note|efn-la|efn-lg
efn-lr|efn-ua|efn-ug|emedicine|emedicine2|eol|epc 1973 rule|epc article|epc rule|espn|etymonline|external image
external media|external music video|external video|facebook|fcite|fide|find a grave|findagrave|frcrp|free access
gbooks|gcdb|geodis|goldbookref|goodreads author|google books|google books url|govpubs|greenwood&earnshaw
greenwood&earnshaw1st|greenwood&earnshaw2nd|guardian topic|gutenberg|gutenberg australia|gutenberg author
gutenberg book|harv|harvard citation|harvard citation no brackets|harvard citations|harvcol|harvcolnb
harvey nichols|harvid|harvnb|harvp|harvs|hathitrust|hdl|holleman&wiberg|iaaf name|ibid|icd-o|icd10|icd9|icsc|iep
imdb|imdb event|imdb name|imdb title|imslp|imslp2|in our time|include-nasa|increment|incubator|inflation-fn
inflation-year/fn|inflation/fn|inpho|instagram|internet archive|internet archive author|internet archive film
internet archive short film|interwiki|isbn|isbnt|isfdb|isfdb name|isfdb title|issn|issn link|itf profile|itis
iucn|iucn2008|jstor|kosovo-note|lccn|library resources about|library resources box|library resources by
librivox author|librivox book|link note|linkrot|loc|lpi|lsj|lsj2|mactutor|mactutor biography|mathgenealogy
mathworld|medical resources|medlineplus|meshname|metacritic film|mr|msw3|multiref|multiref2|musicbrainz
musicbrainz artist|myspace|ndb|nfl profile|nlab|nobel|nobelprize|normdaten|note|note label|note-label|notefoot
notelist|notelist-lr|notelist-ua|notes|notetag|nrhp url|nsrw|nsrw poster|nyttopic|oclc|odnbsub|oed|oeis el
oetymd|official|official url|official website|ol author|ol work|olympedia|omim|open access|open library
openlibrary|osmrelation|osmrelation-inline|osmway|osti|p.|page number|page numbers|pages|paywall|pct rule
pd-notice|persondata|philpapers|planetmath|planetmath attribution|planetmath reference|pmc|pmid|portal
portal bar|portal box|portal-inline|portalbar|portals|pp.|pwre|r|r-phrase|redbook2005|ref|ref label|ref notes
ref-label|refbegin|refend|reference|reference necessary|reference needed|references|reflist|refn|refs
registration|registration required|rotten tomatoes|rotten-tomatoes|rp|rubberbible86th|rubberbible87th|s2cid|sbn
sep|sep entry|sfdb|sfn|sfnlink|sfnm|sfnmp|sfnp|sfnref|sister|sister inline|sister project|sister project auto
sister project links|sisterlinks|snopes|soccerway|source|source-attribution|sports links|sports reference
springer|springereom|ssrn|statedept|statistik austria|subject bar|subscription|subscription needed
subscription or membership required|subscription required|taxonbar|tcmdb title|ted speaker|tennishof
transfermarkt|twitter|un doc|un document|unbulleted list citebundle|united states code|url|us patent
us patent application|usbill|usc|uscsub|usgovernment|uspatent|ussc|ussc-cite|usstat|vancite|vcite|vol.|wayback
webarchive|website|wikiatlas|wikibooks|wikibooks inline|wikicite|wikidata|wikilivres|wikimedia|wikimedia-inline
wikinews|wikinews category|wikinewscat|wikipedia books|wikiquote|wikiquote-inline|wikiquotelang|wikisource
wikisource author|wikisource-author|wikisource-inline|wikisource1911enc|wikisource1911enc citation|wikisourcehas
wikisourcelang|wikispecies|wikispecies-inline|wikiversity|wikivoyage|wikivoyage inline|wikivoyage-inline|wikt
wiktionary|wiktionary category|wiktionary pipe|wiktionarylang|worldcat|worldcat id|worldcat subject|ws|youtube
zbl
"""
_MAINTENANCE = """
a or an|according to whom|according to whom?|advert|ambiguous|anachronism inline|anchor for|article history
additional citation needed
attribution needed|autobiography|better|better source|better source needed|blp|blp sources|blp unsourced|bots
by whom|by whom?|cherry picked|chronology citation needed|circular|circular reference|citation needed
citation needed lead|citation needed span|cite check|cite needed|citecheck|citeneeded|clarification
clarification needed|clarify|clarify span|clarifyme|cleanup|cleanup bare urls|cleanup red links|cleanup rewrite
cleanup section|cleanup-link rot|cn|coi|confusing|confusing section|contains arabic text
contains special characters|contains tifinagh text|context|contradict|contradict inline|contradict-inline
contradiction-inline|contradictory inline|copy edit|copyedit|copyedit inline|copypaste|copyvio|current
current event|dab|dab page|date missing|define|definition|definition needed|deprecated inline|disambig
disambiguate|disambiguation|disambiguation cleanup|discuss|disputed|disputed inline|disputed section
disputed-inline|dmy|dmy-all|dn|documentation|dubious|dubious span|dubious-inline|dynamic list|ebook
editorializing|editorializing span|elucidate|engvarb|essay|essay section|essay-like|example needed|examples
expand|expand further|expand language|expand lead|expand list|expand section|expert|expert needed|expert-subject
explain|fact|fact or opinion|facts|failed verification|fansite|featured article|featured list|fiction|from whom?
full|full citation needed|fullcitation|further cleanup|further explanation needed|fv|geo-dis|given name
globalize|globalize inline|globalize/uk|globalize/us|good article|hidden ping|hndis|hoax|how|how-to|how?|howto
human name disambiguation|image requested|importance inline|importance-inline|improve categories|in use
in-universe|inadequate lead|inappropriate person|incomplete|incomplete list|incomplete short citation
incomprehensible|incomprehensible inline|inconsistent|inconsistent citations|inline citations|ipa chart|ipa key
ipa notice|irrelevant citation|jargon|jargon-inline|lead extra info|lead missing|lead rewrite|lead too long
lead too short|letter-number combination disambiguation|like whom|link fa|link fl|link ga|long quote|mdy|medcn
medref|merge|merge from|merge section|merge to|merge-from|mergefrom|mergeto|metafict|missing information
missing information non-contentious|more citations needed|more citations needed section|more footnotes
more footnotes needed|more references|move portions from here|multiple|multiple issues|na|need quotation
need quotation to verify|needcite|needs independent confirmation|neologism inline|neutrality disputed inline
new page|no footnotes|nobots|nofootnotes|non sequitur|non-primary source needed|nonspecific|noprint
not in citation|not in source|not specific enough to verify|not verified|notability|npov|npov language|nqtv
obsolete|obsolete source|one source|only primary sources|opinion|or|or inline|original research
original research inline|original research section|orphan|out of date|outdated|over-quotation|overly detailed
page needed|page number needed|peacock|peacock inline|peacock term|peacock term inline|ping
place name disambiguation|pn|pov|pov check|pov inline|pov lead|pov section|pov statement|pov-check|pp
pp-protected|primary source|primary source inline|primary source-inline|primary sources|promotional
prone to spam|prose|protected|puffery|qualify evidence|quantify|quote request|quote without source|recentism
ref improve|ref improve section|refimprove|refimprove inline|refimprove section|relevance|relevance inline
relevance note|reply|request quotation|research help|rewrite|rewrite section|says who|school disambiguation
season needed|section sizes|sections|sectstub|self-published|self-published inline|self-published source
semiprotected|sentence fragment|set index article|shipindex|short pages monitor|sia|sig|sources|speciesbox/edit
specific|specify|speculation|speculation inline|split|split section|sps|stub|subscription-limited|subst:
substub|surname|syn|syn-inline|synthesis|tag|talkfact|talkquote|technical|technical inline|technical statement
template|tertiary|third-party|third-party inline|third-party source|tl|tls|tlx|tone|tone inline|tone-inline
too long|too many photos|too technical|toolong|tooshort|trivia|trivia section|unbalanced|unbalanced opinion
unbalanced section|uncategorized|unclear|under construction|underconstruction|underlinked|undisclosed paid|undue
undue inline|undue weight|undue weight inline|undue weight section|undue-inline|unencyclopedic|unfocused
unreferenced|unreferenced section|unreferenced-section|unreliable medical source|unreliable source
unreliable source inline|unreliable source?|unreliable sources|unsourced|unsourced material|unsourced section
update|update after|update inline|update section|update span|update-inline|use dmy dates
use list-defined references|use mdy dates|use ymd dates|user-generated inline|user-generated source|vague
vagueness|verification failed|verification needed|verify|verify credibility|verify quote|verify source|very long
very long section|void|volume needed|weasel|weasel inline|weasel section|weasel words|weasel words inline
weasel-inline|week needed|what|what?|when|when?|where|where?|which|which?|who|who?|whom|whom?|why|why?
words-inline|year needed
"""
_BOXES = """
16teambracket|32teambracket|4teambracket|8teambracket|a-z toc|abortionlawsmap|adjacent communities
ahnentafel bottom|ahnentafel top|ahnentafel-compact5|alabama county labelled map|alabama weatherbox|album chart
album ratings|albumchart|alphanumeric toc|anarchism sidebar|annotated image|annotated image 4
astronomy navbox|atoz|audio|audio file|auto images|automatic taxobox|automatictaxobox|bar box|bar chart
bar graph|bar percent|bar pixel|bar stacked|bartable|based on|basketballbox|biota|brick chart|calendar
calendar by month|calendar year|campaignbox|canada census|cast listing|certification cite
certification table bottom|certification table entry|certification table top|charmap|chart|chart bottom
chart top|chart/end|chart/start|chembox|chemical formula|chronology|clade|clade gallery|cladex|cladogram
climate chart|collapsible option|compact periodic table|compact toc|compact toc2|compacttoc|compacttoc8|coor
coor d|coor dm|coor dms|coord|coord missing|coordinates|coords|cricket batting|css image crop|day|dec
decade links|demography|dental formula|dentalformula|designation list|double image|drugbox|election box begin
election box candidate|election box end|election results|element|elementbox|end|end box|end tab|episode list
episode table|events by month links|family tree|familytree|familytree/end|familytree/start|fb end|fb start
film and game ratings|flag template|football box|football box collapsible|footballbox
footballbox collapsible|forcetoc|fossil range|fossilrange|fs end|fs mid|fs player|fs start|gallery|geobox
geographic location|geographic location 2|geolinks|geological eon|geological range|goals|goalscorers
graphical timeline|harvrefcol|historical population|historical populations|horizontal toc|horizontal-toc
hybridbox|ibacocktails|ichnobox|image frame|image label|image label begin|image label end|image label small
include timeline|languages of|largest cities|largest city|latin letter info|legend|legend inline|legend-line
legend0|legend2|letter other reps|list toc|listen|listen/core|location map|location map many|location map+
location map/info|location map~|long fossil range|lunar coords and quad cat|map|map caption|mapframe|maplink
medalbottom|medalbronze|medalcompetition|medalcountry|medalgold|medalsilver|medalsport|medalstop|medaltableend
military navigation|military unit sidebar|month|monthcalendar|multi-listen end|multi-listen item
multi-listen start|multiple image|multiple images|music ratings|mycomorphbox|nat fs end|nat fs g player
nat fs g start|nat fs player|nat fs start|navbox|navbox bottom|navbox top|navbox with collapsible groups
navbox with columns|navboxes|nearest systems|nhle|nobel prize in|notoc|nutritional value|nutritionalvalue|oobox
operator notation|osm location map|overlay|panorama|panorama simple|paraphyletic group|paraphyletic group fossil
particle|periodic table|periodic table (alkali metals)|periodic table (navbox)|periodictablesfooter|phonation
photo montage|photomontage|pi box|pie chart|pop graph|population|prehistoric|protected area|ra|round16|rugbybox
s-aft|s-bef|s-end|s-start|s-ttl|si units|side box|sidebar|sidebar with collapsible lists|single chart
singlechart|sister bar|sisterlinks2|sky|species list/end|speciesbox|sports table|stack|stack begin|stack end
starbox begin|starbox end|starbox image|starbox observe|start box|start tab|storyteller|subatomic|subspeciesbox
succession box|succession box one to one|succession box two to one|superimpose|superimpose2|tall image|taxobox
taxobox_colour|taxon list|television episode ratings|thermodynamics|time measurement and standards|time topics
timeline|toc|toc hidden|toc left|toc limit|toc right|tocleft|tocnestright|tocright|top icon|track listing
tracklist|tree chart|tree chart/end|tree chart/start|tree list|tree list/end|triple image|us census population
us county navigation|us demographics|usarticlesofconfederationsig|vb res 51
vertical images list|vgratings|video|video game reviews|video game titles|virusbox|weather box|weatherbox|web
webcomic|wide image|world heritage site|writing systems sidebar|year article header|year in topic|year nav
"""
_LAYOUT = """
-|algorithm-begin|algorithm-end|align-begin|align-end|anchor|anchor for redirect|anchors|bat|begin
block indent/end|br|break|breakafter|cb|cbt|clear|clear left|clear right|clearleft|clearright|clr|cob|col begin
col break|col end|col-1-of-2|col-1-of-3|col-2|col-2-of-2|col-2-of-3|col-3|col-3-of-3|col-4|col-5|col-begin
col-begin-small|col-break|col-end|col-start|colbegin|colbreak|colend|collapse|collapse bottom|collapse top
column|columns end|columns start|columns-end|columns-start|cot|ct|decrease|decrease2|decreaseneutral
decreasepositive|div|div col|div col begin|div col break|div col end|div col start|div end|divbox|divcol
divcolend|down|end div|end div col|end flatlist|end multicol|end plainlist|end table|endflatlist|endflowlist
endmulticol|endplainlist|external links|extinct|fix bunching|fixbunching|flatlist end|flatlist start
flatlist/begin|flowlist|font color end|gain|hairspace|hidden|hidden begin|hidden bottom|hidden end|hidden top
hide in print|increase|increase2|increasenegative|increaseneutral|larger begin|linkshere|loss|lost|lrm|multicol
multicol break|multicol end|multicol-break|multicol-end|mvar end|no change|nobreak begin|nowrap begin|nowrap end
nowrapbegin|nowraplinks|nowraplinks end|nw|only in print|outdent|pad|padlsub|padlsup|paragraph
paragraph break|pb|plain list end|plainlist end|plainlist/begin|pre start|pre-end|profit|quote box end|reduce
rlm|row hover highlight|same|shortcut|show button|small begin|smalldiv|sort under|start plainlist
startflatlist|startplainlist|static row numbers|steady|sticky header|sticky table end|sticky table start|table
table alignment|table top|top-multicol|up|updown|wbr|won|wrap|zero width space|zwj|zwnj
"""
_NAMES = frozenset(
    name.strip()
    for text in (_HATNOTES, _SOURCES, _MAINTENANCE, _BOXES, _LAYOUT)
    for name in text.replace("\n", "|").split("|")
    if name.strip()
)
_PREFIXES = (
    "cite ",
    "citation/",
    "vcite ",
    "infobox",
    "taxobox",
    "campaignbox",
    "navbox",
    "sidebar",
    "pp-",
    "use ",
    "starbox ",
    "medal",
    "footer ",
    "s-",
    "portal:",
    "script error",
    "fb ",
    "largest cities of ",
    "contains ",
    "user ",
    "location map",
    "uw-",
    "subscription",
    "cleanup",
    "election box",
    "expand ",
    "aircraft ",
    "harv",
    "notelist",
    "efn",
    "sfn",
    "attached kml",
    "featured ",
    "library resources",
    "wikisource",
)
_SUFFIXES = (
    " navbox",
    " sidebar",
    "-stub",
    " stub",
    " infobox",
    " topics",
    " nav",
    " footer",
    " weatherbox",
    " series",
    " portal",
    "-inline",
)
_NAVIGATION = re.compile(
    r"(?:cities|counties|countries|culture|demographics|districts|economy|elections|ethnic groups|foreign relations"
    r"|geography|government|history|islands|languages|leaders|lists?|members|military|monarchs|municipalities|outline"
    r"|parks|politics|presidents|prime ministers|protected areas|provinces|regions|rivers|states|subdivisions|topics"
    r"|universities) (?:of|in|by|on) .+"
)


def is_silent(name: str) -> bool:
    """Say whether a template is known to show nothing in running text.

    Args:
        name: normalised template name, lower case.

    Source: Category:Hatnote templates, Category:Citation templates, Category:Inline cleanup templates,
    Category:Infobox templates, Category:Navigational boxes, Category:Formatting templates.

    >>> is_silent("citation needed"), is_silent("infobox country"), is_silent("convert")
    (True, True, False)
    """
    if name in _NAMES or name.startswith(_PREFIXES) or name.endswith(_SUFFIXES):
        return True
    return _NAVIGATION.fullmatch(name) is not None
