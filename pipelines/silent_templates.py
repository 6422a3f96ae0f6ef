"""Templates that show nothing in running text: notes, sources, maintenance, boxes, navigation, layout."""

from __future__ import annotations

import re

__all__ = ["is_silent"]

_HATNOTES = """
about|about-distinguish|about2|also|broader|category see also|consider|correct title|details|details2|details3
disambiguation needed|distinguish|distinguish2|elect|for|for timeline|for2|for-multi|for-text|foreign relations of|format note
further|further information|further2|furtherinformation|hatnote|hatnote group|hatnote inline|history|hurricane disambiguation
lookfrom|intitle|main|main article|main articles|main category|main list|main portal|mainarticle|not to be confused with|not to be confused
other hurricanes|other people|other people2|other people3|other people5|other persons|other places|other places2|other places3|other ships|other uses
other uses of|other uses2|other uses3|other uses4|otherpeople|otheruses|otheruses1|otheruses2|otheruses4|otherusesof|plural form of|redirect
redirect multi|redirect text|redirect-distinguish|redirect-distinguish2|redirect-multi|redirect-several|redirect-synonym|redirect2|redirect3
redirect4|redirect6|redirects here|related articles|see also|see also2|see also category|see introduction|see wiktionary|see|seealso|selfref
short description|similar names|self-reference|subarticle|spoken wikipedia|spoken wikipedia-2|spoken wikipedia-3|technical reasons|this|top|transhatnote
three other uses|two other uses|tworeds|two-other-uses|uses|year dab|family name hatnote|spanish name|chinese name|portuguese name|korean name
japanese name|hungarian name|eastern name order|western name order|patronymic name|indian name|vietnamese name|malay name|surname clarify
italic title|italictitle|displaytitle|lowercase|lowercase title|lowercase1|title|defaultsort|nutshell|noteta
"""
_SOURCES = """
r|ref|refn|ref label|ref-label|ref notes|reference|reference needed|reference necessary|references|reflist|refs|refbegin|refend|note|note label
note-label|notelist|notelist-lr|notelist-ua|notes|notetag|notefoot|efn|efn-la|efn-lg|efn-lr|efn-ua|efn-ug|efn note|sfn|sfnm|sfnp|sfnmp|sfnref|sfnlink
harv|harvard citation|harvard citation no brackets|harvcol|harvcolnb|harvid|harvnb|harvp|harvs|harvard citations|rp
r-phrase|page|pages|wikicite|citation|citation style|cite|citeref|vcite|vancite|source|source-attribution|unbulleted list citebundle|multiref|multiref2
pp.|p.|vol.|page number|page numbers|ibid|gbooks|google books|google books url|books-inline|isbn|isbnt|issn|issn link|oclc|doi|doi-inline|pmid|pmc
bibcode|arxiv|jstor|hdl|lccn|asin|s2cid|osti|oeis el|sbn|ssrn|zbl|mr|url|official website|official|official url|website|webarchive|wayback|internet archive
internet archive author|internet archive film|internet archive short film|librivox author|librivox book|gutenberg|gutenberg author|gutenberg australia
gutenberg book|goodreads author|worldcat|worldcat id|worldcat subject|imdb event|imdb name|imdb title|imdb|allmovie|allmusic|rotten-tomatoes|rotten tomatoes
metacritic film|tcmdb title|discogs artist|discogs master|discogs|musicbrainz artist|musicbrainz|mathworld|springer|springereom|nlab|planetmath
planetmath reference|planetmath attribution|mactutor|mactutor biography|mathgenealogy|sep|sep entry|iep|inpho|philpapers|snopes|oed|oetymd|etymonline
lsj|lsj2|ndb|acad|eb1911|eb1911 poster|eb1922 poster|1911|catholic|catholic encyclopedia|dnb|dmoz|curlie|nsrw|nsrw poster|ws|youtube|twitter|facebook
instagram|myspace|find a grave|findagrave|us patent|us patent application|uspatent|nrhp url|itis|eol|iucn|iucn2008|msw3|icd9|icd10|icd-o|omim|emedicine
emedicine2|medlineplus|meshname|diseasesdb|gcdb|comicbookdb|isfdb name|isfdb title|sfdb|isfdb|cantorion|imslp|imslp2|in our time|bbc programme|bbc online
ted speaker|c-span|charlie rose|osmrelation|osmrelation-inline|osmway|cia world factbook|cia world factbook link|pd-notice|usgovernment|loc|country study
country study attribution|include-nasa|statedept|statistik austria|geodis|goldbookref|ol author|ol work|open library|openlibrary|hathitrust|nyttopic|govpubs
guardian topic|un doc|un document|pwre|barrington|harvey nichols|chatterton 2003|greenwood&earnshaw|greenwood&earnshaw2nd|greenwood&earnshaw1st
holleman&wiberg|rubberbible86th|rubberbible87th|redbook2005|icsc|lpi|nobel|nobelprize|congbio|congress bio|bioguide|ussc|united states code|usc|ussc-cite
uscsub|usstat|usbill|caselaw source|pct rule|epc article|epc rule|epc 1973 rule|frcrp|atp|itf profile|daviscup player|tennishof|chesscom player|fide
soccerway|transfermarkt|espn|baseballstats|basketballstats|nfl profile|sports links|sports reference|olympedia|iaaf name|kosovo-note|inflation-fn
inflation/fn|inflation-year/fn|increment|free access|open access|closed access|registration required|registration|subscription|subscription required
subscription needed|subscription or membership required|odnbsub|paywall|dead link|deadlink|dead|cbignore|link note|linkrot|bare url|bare url inline|bare url pdf
fcite|cite doi|cite pmid|cite quran-ref|ahnentafel|medical resources|taxonbar|authority control|authority control (arts)|normdaten|persondata|wikidata
wikipedia books|wikisource|wikisource author|wikisource-author|wikisource-inline|wikisource1911enc|wikisource1911enc citation|wikisourcehas|wikisourcelang
wikibooks|wikibooks inline|wikinews|wikinews category|wikinewscat|wikiquote|wikiquote-inline|wikiquotelang|wikispecies|wikispecies-inline|wikiversity|wikivoyage|wikivoyage-inline
wikivoyage inline|wiktionary|wiktionary category|wiktionary pipe|wiktionarylang|wikt|wikiatlas|wikilivres|wikimedia|wikimedia-inline|commons|commons and category|commons category
commons category multi|commons category-inline|commons cat|commonscat|commonscat-inline|commons-inline|commonscatinline|sister project|sister project links
sister project auto|sisterlinks|sister inline|sister|subject bar|portal|portal bar|portal-inline|portalbar|portal box|portals|interwiki|incubator|lookfrom|external media
external image|external video|external music video|library resources box|library resources about|library resources by|book bar|book|canadian parliament links
"""
_MAINTENANCE = """
citation needed|cn|fact|fact or opinion|facts|citation needed span|citation needed lead|cite needed|citeneeded|needcite|dubious|dubious-inline|dubious span|disputed
disputed inline|disputed-inline|disputed section|clarify|clarification needed|clarification|clarifyme|clarify span|vague|ambiguous|when|when?|who|who?|whom|whom?|by whom|by whom?
which|which?|where|where?|why|why?|how|how?|what|what?|like whom|from whom?|according to whom|according to whom?|attribution needed|says who|specify|editorializing|editorializing span
elucidate|examples|example needed|explain|further explanation needed|full|full citation needed|fullcitation|incomplete short citation|inconsistent|inconsistent citations
importance inline|importance-inline|globalize|globalize/us|globalize/uk|globalize inline|lead rewrite|lead too short|lead too long|lead missing|lead extra info|inadequate lead
irrelevant citation|medcn|medref|more footnotes|more footnotes needed|more citations needed|more citations needed section|more references|multiple issues|multiple|neologism inline|new page|no footnotes
nofootnotes|non-primary source needed|nonspecific|not in citation|not in source|not specific enough to verify|not verified|failed verification|fv|verification failed|needs independent confirmation
non sequitur|obsolete source|obsolete|one source|only primary sources|opinion|or|original research|original research inline|original research section|or inline|syn|syn-inline|synthesis|speculation|speculation inline|orphan
outdated|out of date|over-quotation|overly detailed|page needed|pn|page number needed|volume needed|year needed|peacock|peacock inline|peacock term|peacock term inline|copy edit|copyedit|copyedit inline|cleanup|cleanup rewrite
cleanup section|cleanup-link rot|cleanup bare urls|cleanup red links|pov|pov check|pov-check|pov section|pov statement|pov inline|pov lead|neutrality disputed inline|npov|npov language|prone to spam|primary source inline
primary source-inline|primary source|primary sources|promotional|prose|puffery|quote without source|qualify evidence|quantify|refimprove|refimprove section|refimprove inline|ref improve|ref improve section|relevance|relevance inline|relevance note
rewrite section|rewrite|sections|self-published inline|self-published source|self-published|sps|season needed|sources|specific|third-party|third-party inline|third-party source|tone|tone inline|too many photos|too technical|technical
technical inline|technical statement|tertiary|trivia|trivia section|unbalanced|unbalanced section|unbalanced opinion|undue|undue weight|undue weight section|undue weight inline|undue inline|undue-inline|unencyclopedic
unreferenced|unreferenced section|unreferenced-section|unsourced|unsourced section|unclear|unreliable source|unreliable source?|unreliable source inline|unreliable sources|unreliable medical source|unsourced material
update|update inline|update after|update section|update-inline|update span|undisclosed paid|user-generated source|user-generated inline|verify|verify credibility|verify source|verify quote|request quotation|quote request|verification needed
vagueness|weasel|weasel inline|weasel words|weasel-inline|weasel words inline|weasel section|words-inline|week needed|tone-inline|tag|tl|tlx|tls|notability|coi|advert|autobiography|blp sources|blp unsourced|blp|cherry picked|circular reference|context
confusing|confusing section|contradict|contradict inline|contradict-inline|contradiction-inline|contradictory inline|copypaste|current|current event|recentism|expand|expand section|expand lead|expand list|expand language|expand further|essay|essay-like|essay section
fansite|fiction|further cleanup|hoax|how-to|howto|image requested|improve categories|in-universe|in use|inappropriate person|inline citations|incomprehensible|incomprehensible inline|incomplete|incomplete list|dynamic list|jargon|jargon-inline|long quote|metafict|merge|merge from|merge to
mergefrom|mergeto|merge-from|merge section|missing information|missing information non-contentious|move portions from here|split|split section|stub|substub|sectstub|section sizes|sentence fragment|subst:|subscription-limited|uncategorized|under construction|underconstruction|underlinked|unfocused|use list-defined references|very long|very long section|story
a or an|date missing|better source|better source needed|better|cite check|citecheck|citation style|chronology citation needed|copyvio|deprecated inline|definition|definition needed|define|discuss|talkfact|too long|tooshort|toolong|disambiguate|dn|dab|need quotation to verify|need quotation|nqtv|expert|expert needed|expert-subject
good article|featured article|featured list|link ga|link fa|link fl|research help|bots|nobots|protected|pp|pp-protected|semiprotected|use dmy dates|use mdy dates|use ymd dates|dmy|mdy|dmy-all|engvarb|ebook|anchor for|article history
disambiguation|disambig|dab page|geodis|geo-dis|hndis|human name disambiguation|surname|given name|place name disambiguation|set index article|shipindex|school disambiguation|disambiguation cleanup|letter-number combination disambiguation|sia
void|template|documentation|noprint|na|reply|ping|sig|talkquote|hidden ping|contains arabic text|contains special characters|contains tifinagh text|ipa notice|ipa key|ipa chart|coi|speciesbox/edit|short pages monitor|circular|anachronism inline
"""
_BOXES = """
sidebar|sidebar with collapsible lists|taxobox|taxobox_colour|automatic taxobox|automatictaxobox|speciesbox|subspeciesbox|hybridbox|paraphyletic group|paraphyletic group fossil|clade|cladex|cladogram|virusbox|ichnobox|oobox|drugbox|chembox|starbox begin|starbox image
mycomorphbox|nutritionalvalue|nutritional value|thermodynamics|geobox|protected area|prehistoric|chronology|timeline|graphical timeline|include timeline|bar box|bar chart|bar graph|bar percent|bar pixel|bar stacked|bartable|brick chart|chart|charmap|tree chart|tree chart/start|tree chart/end
tree list|tree list/end|familytree|familytree/start|familytree/end|family tree|chart top|chart bottom|chart/start|chart/end|climate chart|weather box|weatherbox|alabama weatherbox|css image crop|annotated image|annotated image 4|annotated link|image frame|image label|image label begin|image label end|image label small
superimpose|superimpose2|double image|multiple image|multiple images|auto images|gallery|triple image|vertical images list|photo montage|photomontage|stack|stack begin|stack end|listen|audio|audio file|multi-listen start|multi-listen item|multi-listen end|video|wide image|tall image|panorama|panorama simple|side box|location map|location map+|location map~|location map many|location map/info
osm location map|maplink|mapframe|map caption|map|alabama county labelled map|abortionlawsmap|overlay|largest cities|largest city|historical populations|historical population|us census population|us demographics|canada census|demography|population|pop graph|pie chart|legend|legend0|legend2|legend inline|legend-line
calendar|calendar year|calendar by month|year in topic|year nav|year article header|decade links|events by month links|day|month|monthcalendar|compact toc|compacttoc|compacttoc8|compact toc2|toc|toc left|toc right|toc limit|tocright|tocleft|toc hidden|tocnestright|horizontal toc|list toc|horizontal-toc|notoc|forcetoc|alphanumeric toc|a-z toc|atoz|top icon
letter other reps|latin letter info|periodictablesfooter|compact periodic table|periodic table|periodic table (alkali metals)|phonation|pi box|succession box|succession box one to one|succession box two to one|ahnentafel top|ahnentafel bottom|ahnentafel-compact5|s-start|s-end|s-bef|s-aft|s-ttl|start box|end box|end|end box
starbox end|goalscorers|goals|sports table|football box|footballbox|football box collapsible|footballbox collapsible|rugbybox|basketballbox|vb res 51|cricket batting|round16|4teambracket|8teambracket|16teambracket|32teambracket|fb start|fb end|fs start|fs player|fs end|fs mid|nat fs start|nat fs player|nat fs end|nat fs g start|nat fs g player
medalcompetition|medalgold|medalsilver|medalbronze|medalcountry|medalsport|medaltableend|medalstop|medalbottom|election box begin|election box candidate|election box end|election results|track listing|tracklist|album ratings|music ratings|singlechart|single chart|album chart|albumchart|certification table entry|certification table top|certification table bottom|certification cite
episode list|episode table|television episode ratings|film and game ratings|video game reviews|vgratings|video game titles|storyteller|cast listing|based on|film date|start tab|end tab|operator notation|si units|listen/core|harvrefcol|coord|coord missing|coords|coor|coor d|coor dm|coor dms|coordinates|lunar coords and quad cat|sky|ra|dec|geolinks
geographic location|geographic location 2|adjacent communities|us county navigation|navbox|navboxes|navbox with columns|navbox with collapsible groups|navbox top|navbox bottom|military navigation|campaignbox|writing systems sidebar|anarchism sidebar|sisterlinks2|nobel prize in|usarticlesofconfederationsig|collapsible option|languages of|time topics|time measurement and standards|nearest systems
us us census population|ibacocktails|elementbox|element|chemical formula|particle|periodic table (navbox)|fossil range|fossilrange|geological range|long fossil range|dentalformula|dental formula|starbox observe|geological eon|biota|taxon list|species list/end|clade gallery|world heritage site|designation list|nhle|flag template|military unit sidebar|astronomy navbox|sports links|sister bar|subatomic|webcomic|web
"""
_LAYOUT = """
clear|-|clr|clear left|clear right|clearleft|clearright|br|break|breakafter|div col|div col end|div col start|div col begin|divcol|divcolend|div col break|colbegin|colend|col-begin|col-begin-small|col-end|col-break|col begin|col end|col break|col-start|col-2|col-3|col-4|col-5|col-1-of-2|col-2-of-2|col-1-of-3|col-2-of-3|col-3-of-3
colbreak|column|columns-start|columns-end|columns start|columns end|multicol|multicol-break|multicol-end|multicol break|multicol end|endmulticol|end multicol|top-multicol|end div col|end div|div end|divbox|div|fix bunching|fixbunching|hidden begin|hidden end|hidden|hidden top|hidden bottom|hide in print|only in print|collapse|collapse top|collapse bottom|cot|cob|cbt|ct|cb|show button|align-begin|align-end|block indent/end|reduce|end plainlist|endplainlist|plainlist end|plain list end
plainlist/begin|startflatlist|endflatlist|flatlist end|end flatlist|flatlist/begin|flatlist start|startplainlist|start plainlist|quote box end|flowlist|endflowlist|pad|padlsup|padlsub|pb|paragraph break|paragraph|outdent|table top|table|end table|table alignment|sticky header|sticky table start|sticky table end|row hover highlight|static row numbers|sort under|mvar end|updown
anchor|anchors|anchor for redirect|shortcut|linkshere|bat|increase|decrease|steady|increasenegative|decreasepositive|increase2|decrease2|increaseneutral|decreaseneutral|gain|profit|loss|up|down|won|lost|no change|same|hairspace|zwnj|zwj|zwsp|shy|lrm|rlm|wbr|zero width space|nowrap begin|nowrap end|nobreak begin|wrap|nowrapbegin|nowraplinks|nowrap begin|nowrap2|nowraplinks end|nw|begin|small begin|smalldiv|larger begin|font color end|extinct|external links|algorithm-begin|algorithm-end|pre-end|pre start
"""
_NAMES = frozenset(
    name.strip()
    for text in (_HATNOTES, _SOURCES, _MAINTENANCE, _BOXES, _LAYOUT)
    for name in text.replace("\n", "|").split("|")
    if name.strip()
)
_PREFIXES = (
    "cite ", "citation/", "vcite ", "cite_", "wikisource", "infobox", "taxobox", "campaignbox", "navbox", "sidebar", "pp-", "use ", "defaultsort:", "displaytitle:",
    "#tag:ref", "#tag:gallery", "#tag:timeline", "infobox ", "starbox ", "medal", "footer ", "s-", "portal:", "script error", "fb ", "largest cities of ", "contains ",
    "user ", "geodata", "location map", "did you know", "uw-", "subscription", "wp", "cleanup", "uncategorized", "election box", "expand ", "aircraft ", "aero",
    "harv", "notelist", "efn", "sfn", "attached kml", "kml", "geogroup", "featured ", "library resources",
)  # fmt: skip
_SUFFIXES = (
    " navbox", " sidebar", "-stub", " stub", " infobox", " topics", " nav", " footer", " weatherbox", " series", " portal", "-inline",
)  # fmt: skip
_PATTERN = re.compile(
    r"(?:cities|counties|countries|provinces|presidents|prime ministers|states|topics|politics|history|languages|members|outline|municipalities|districts|regions|economy|culture|demographics"
    r"|foreign relations|military|geography|government|subdivisions|protected areas|ethnic groups|monarchs|leaders|elections|universities|parks|rivers|islands|lists?) (?:of|in|by|on) .+"
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
    return name in _NAMES or name.startswith(_PREFIXES) or name.endswith(_SUFFIXES) or bool(_PATTERN.fullmatch(name))
