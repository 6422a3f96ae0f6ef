"""The prefixes of links that lead to no article of this wiki: its other namespaces, sister projects, languages."""

from __future__ import annotations

from pipelines.templates import LANGUAGE_NAMES

__all__ = ["LANGUAGE_PREFIXES", "NO_ARTICLE_PREFIXES"]

_NAMESPACES = """
book category draft file help image media mediawiki module portal project special talk template timedtext user
wikipedia wp wt
"""
_SISTERS = """
arxiv b bugzilla c commons d dbdump doi foundation gutenberg iarchive imdbname isbn issn m meta mw n outreach pmid q
rfc s species toollabs tools v voy w wikia wikibooks wikidata wikimedia wikinews wikiquote wikisource wikispecies
wikiversity wikivoyage wikt wiktionary wmf
"""
_LANGUAGES = """
ace ak av ay bat-smg bcl be-tarask be-x-old bh bi bjn bm bpy bug bxr cbk-zam cdo ch chr chy cr crh csb diq dsb dz ee
eml ext ff fiu-vro fur gag gan glk hak hif hsb ht ie ik ilo jbo kaa kab kbd kg ki kl koi krc ksh kv lbe lez lg ltg
map-bms mdf mhr min mrj mwl myv mzn na nds-nl new nov nrm nso ny os pag pam pcd pdc pfl pih pnb pnt rmy rn roa-rup
roa-tara rue sah sg simple srn ss stq tet tpi tum tw udm ve vep vls vo war xal xmf zea zh-classical zh-min-nan zh-yue
"""
LANGUAGE_PREFIXES = frozenset(_LANGUAGES.split()) | frozenset(LANGUAGE_NAMES)
"""Prefixes of other Wikipedias: `[[de:Tee]]` is a mark of the page, not text. Source: Special:SiteMatrix."""

NO_ARTICLE_PREFIXES = frozenset(_NAMESPACES.split()) | frozenset(_SISTERS.split()) | LANGUAGE_PREFIXES
"""Links with these prefixes are text without a target. Source: Special:Interwiki, MediaWiki's NamespaceInfo."""
