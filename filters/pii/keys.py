"""Keys and tokens of services by what these publish, so that leaked ones can be found: one line a service.

Forms are those of the services' own pages and of rules that are kept up by others: gitleaks (config/gitleaks.toml,
b58d3f1, MIT), detect-secrets (plugins/, 5e14193, Apache-2.0), trufflehog (pkg/detectors, 3ab759f; read, not copied).
Left out is what no sign of its own tells from text: `s.` and 24 characters (Vault before 1.10), `pat` and 14
(Airtable), 40 hexadecimal digits (Sourcegraph, before 2023); after a name for it, such a key is a SECRET.
Imports nothing: the scan asks what keys begin with, without the patterns.
"""

from typing import NamedTuple


class Published(NamedTuple):
    """signs: what keys of the form begin with, in small letters, with spaces between. form: a pattern of a whole key.
    within: what stands in each key, as it is written, where signs do not stand at its beginning."""

    service: str
    signs: str
    form: str
    within: str = ""


_UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

PUBLISHED: tuple[Published, ...] = (
    Published("Amazon", "akia asia abia acca a3t", r"(?:AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9])[A-Z0-9]{16}"),
    Published("Amazon Bedrock", "absk bedrock-api-key-",
              r"ABSK[A-Za-z0-9+/]{109,269}={0,2}|bedrock-api-key-[A-Za-z0-9+/=]{28,400}"),
    Published("Alibaba Cloud", "ltai", r"LTAI[A-Za-z0-9]{12,24}"),
    Published("Tencent Cloud", "akid", r"AKID[A-Za-z0-9]{13,40}"),
    Published("Volcengine", "aklt", r"AKLT[A-Za-z0-9+/=_-]{40,60}"),
    Published("Google", "aiza ya29. 1// gocspx-",
              r"AIza[A-Za-z0-9_-]{35}|ya29\.[A-Za-z0-9_-]{20,400}|1//0[A-Za-z0-9_-]{30,120}|GOCSPX-[A-Za-z0-9_-]{28}"),
    Published("Azure", "q~", r"[A-Za-z0-9_~.]{3}\dQ~[A-Za-z0-9_~.-]{31,34}", within="Q~"),
    Published("Azure container registry", "+acr", r"[A-Za-z0-9+/]{42}\+ACR[A-Za-z0-9]{6}", within="+ACR"),
    Published("Yandex", "aqvn", r"AQVN[A-Za-z0-9_-]{35,38}"),
    Published("DigitalOcean", "dop_v1_ doo_v1_ dor_v1_", r"do[opr]_v1_[a-f0-9]{64}"),
    Published("Heroku", "hrku-", r"HRKU-(?:AA[A-Za-z0-9_-]{58}|[a-f0-9-]{36})"),
    Published("Fly.io", "fo1_ fm1 fm2", r"fo1_[A-Za-z0-9_-]{43}|fm(?:1[ar]|2)_[A-Za-z0-9+/=_,-]{100,1000}"),
    Published("Scalingo", "tk-us-", r"tk-us-[A-Za-z0-9_-]{48}"),
    Published("Netlify, Supabase", "nfp_ sbp_", r"nfp_[A-Za-z0-9]{36,40}|sbp_[a-f0-9]{40}"),
    Published("Deno Deploy", "ddp_ ddw_", r"dd[pw]_[A-Za-z0-9]{36}"),
    Published("Cloudflare", "v1.0- cfut_ cfat_ cfk_",
              r"v1\.0-[a-f0-9]{24}-[a-f0-9]{146}|cf(?:[ua]t|k)_[A-Za-z0-9]{40}[a-f0-9]{8}"),
    Published("Tailscale", "tskey-", r"tskey-[a-z]{2,12}-[A-Za-z0-9_]{8,40}-[A-Za-z0-9_]{16,64}"),
    Published("OpenShift", "sha256~", r"sha256~[A-Za-z0-9_-]{43}"),
    Published("GitHub", "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_",
              r"gh[pousr]_[A-Za-z0-9]{36,251}|github_pat_[A-Za-z0-9_]{22,251}"),
    Published("GitLab",
              "glpat- gldt- glrt- glrtr- glft- glagent- glsoat- glcbt- glptt- glffct- glimt- gloas- gr1348941",
              r"gl(?:pat|dt|rt|rtr|ft|agent|soat|cbt|ptt|ffct|imt|oas)-[A-Za-z0-9_.=-]{20,300}"
              r"|GR1348941[A-Za-z0-9_-]{20,50}"),
    Published("GitLab, a session", "_gitlab_session=", r"(?<=_gitlab_session=)[a-z0-9]{32}", within="_gitlab_session="),
    Published("Bitbucket, Jira", "atbb atatt3 atctt3 bbdc-",
              r"ATBB[A-Za-z0-9_=.-]{24,60}|AT[AC]TT3[A-Za-z0-9+/_=-]{50,300}|BBDC-[A-Za-z0-9+/@_-]{40,50}"),
    Published("Sourcegraph", "sgp_ slk_", r"sgp_(?:(?:[a-fA-F0-9]{16}|local)_)?[a-fA-F0-9]{40}|slk_[a-f0-9]{64}"),
    Published("CircleCI, Buildkite, Harness", "ccipat_ bkua_ pat. sat.",
              r"CCIPAT_[A-Za-z0-9_]{40,90}|bkua_[a-z0-9]{40}"
              r"|[ps]at\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9]{24}\.[A-Za-z0-9]{20}"),
    Published("Sonar", "squ_ sqp_ sqa_ sqco_", r"sq[upa]_[a-z0-9]{40}|sqco_[A-Za-z0-9]{59}"),
    Published("Artifactory", "akcp cmvmd", r"AKCp[A-Za-z0-9]{69}|cmVmd[A-Za-z0-9]{59}"),
    Published("npm, PyPI, RubyGems, NuGet", "npm_ pypi- rubygems_ oy2",
              r"npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{50,300}|rubygems_[a-f0-9]{48}|oy2[a-z0-9]{43}"),
    Published("Clojars", "clojars_", r"CLOJARS_[a-z0-9]{60}"),
    Published("Docker", "dckr_pat_ dckr_oat_", r"dckr_[po]at_[A-Za-z0-9_-]{20,40}"),
    Published("Octopus Deploy", "api-", r"API-[A-Z0-9]{26}"),
    Published("Terraform Cloud", ".atlasv1.", r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,70}", within=".atlasv1."),
    Published("Vault", "hvs. hvb.", r"hv[sb]\.[A-Za-z0-9_-]{24,300}"),
    Published("Pulumi, Infracost", "pul- ico-", r"pul-[a-f0-9]{40}|ico-[A-Za-z0-9]{32}"),
    Published("Doppler", "dp.pt. dp.st. dp.ct. dp.sa. dp.scim. dp.audit.",
              r"dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9._-]{40,60}"),
    Published("1Password", "ops_eyj a3-",
              r"ops_eyJ[A-Za-z0-9+/=_-]{200,1500}|A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}"
              r"|[A-Z0-9]{6}-[A-Z0-9]{5})(?:-[A-Z0-9]{5}){3}"),
    Published("age", "age-secret-key-1", r"AGE-SECRET-KEY-1[A-Z0-9]{58}"),
    Published("Authress", ".acc- .acc_",
              r"(?:sc|ext|scauth|authress)_[A-Za-z0-9]{5,30}\.[A-Za-z0-9]{4,6}\.acc[_-][A-Za-z0-9-]{10,32}"
              r"\.[A-Za-z0-9+/_=-]{30,120}", within=".acc"),
    Published("OpenAI, Anthropic and others", "sk-",
              r"sk-(?:proj-|svcacct-|admin-|ant-|or-|lf-)?[A-Za-z0-9_-]{20,250}"),
    Published("Hugging Face", "hf_ api_org_", r"(?:hf|api_org)_[A-Za-z]{30,40}"),
    Published("Groq, Replicate, Perplexity, xAI", "gsk_ r8_ pplx- xai-",
              r"gsk_[A-Za-z0-9]{40,60}|r8_[A-Za-z0-9]{30,40}|pplx-[A-Za-z0-9]{40,60}|xai-[A-Za-z0-9_]{60,90}"),
    Published("Nvidia, Pinecone, Tavily, LangSmith", "nvapi- pcsk_ tvly- lsv2_",
              r"nvapi-[A-Za-z0-9_-]{64}|pcsk_[A-Za-z0-9]{5,6}_[A-Za-z0-9]{63}|tvly-[A-Za-z0-9-]{20,60}|lsv2_(?:pt"
              r"|sk)_[a-f0-9]{32}_[a-f0-9]{10}"),
    Published("Recharge, ElevenLabs", "sk_", r"sk_[a-f0-9]{48}|sk(?:_test)?_(?:[1235]|10)x[123]_[a-fA-F0-9]{64}"),
    Published("Slack", "xoxb- xoxp- xoxa- xoxr- xoxs- xoxo- xoxe xapp-",
              r"xox(?:e\.xox[bp]|[abeoprs])-[A-Za-z0-9-]{10,250}|xapp-\d-[A-Z0-9]{5,20}-\d{5,20}-[a-f0-9]{20,100}"),
    Published("Slack, a hook", "services/t workflows/t triggers/t",
              r"(?<=hooks\.slack\.com/(?:services|workflows"
              r"|triggers)/)T[A-Z0-9]{6,12}/[AB]?[A-Z0-9]{6,14}/(?:\d{17,19}/)?[A-Za-z0-9]{20,40}",
              within="hooks.slack.com/"),
    Published("Discord", "/webhooks/",
              r"(?<=discord(?:app)?\.com/api/"
              r"(?:v\d{1,2}/)?webhooks/)\d{17,20}/[A-Za-z0-9_-]{60,72}", within="/webhooks/"),
    Published("Teams", "/webhookb2/",
              rf"(?<=\.webhook\.office"
              rf"\.com/webhookb2/){_UUID}@{_UUID}/IncomingWebhook/[a-z0-9]{{32}}/{_UUID}", within="/webhookb2/"),
    Published("Telegram", ":aa", r"(?<![\d.:])\d{8,10}:AA[A-Za-z0-9_-]{33}", within=":AA"),
    Published("Stripe", "sk_live_ sk_test_ sk_prod_ rk_live_ rk_test_ rk_prod_ whsec_",
              r"[sr]k_(?:live|test|prod)_[A-Za-z0-9]{10,250}|whsec_[A-Za-z0-9]{32,64}"),
    Published("Square", "sq0atp- sq0csp- eaaa", r"sq0(?:atp|csp)-[A-Za-z0-9_-]{22,43}|EAAA[A-Za-z0-9_-]{56,60}"),
    Published("Flutterwave, Shippo, Razorpay", "flwseck_test- flwseck- shippo_live_ shippo_test_ rzp_live_",
              r"FLWSECK(?:_TEST)?-[a-z0-9]{12}(?:[a-z0-9]{20}-X)?|shippo_(?:live|test)_[a-fA-F0-9]{40}"
              r"|rzp_live_[A-Za-z0-9]{14}"),
    Published("Plaid", "access-sandbox- access-development- access-production-",
              rf"access-(?:sandbox|development|production)-{_UUID}"),
    Published("Duffel, EasyPost, Frame.io", "duffel_test_ duffel_live_ eztk ezak fio-u-",
              r"duffel_(?:test|live)_[A-Za-z0-9_=-]{43}|EZ[AT]K[A-Za-z0-9]{54}|fio-u-[A-Za-z0-9_=-]{64}"),
    Published("Shopify", "shpat_ shpca_ shppa_ shpss_", r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}"),
    Published("Twilio", "sk0 sk1 sk2 sk3 sk4 sk5 sk6 sk7 sk8 sk9 ska skb skc skd ske skf", r"SK[a-f0-9]{32}"),
    Published("SendGrid, Brevo, Mailgun", "sg. xkeysib- key-",
              r"SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{30,64}|xkeysib-[a-f0-9]{64}-[A-Za-z0-9]{16}|key-[a-f0-9]{32}"),
    Published("Mailchimp", "-us1 -us2 -us3 -us4 -us5 -us6 -us7 -us8 -us9", r"[a-f0-9]{32}-us[1-9]\d?", within="-us"),
    Published("HubSpot", "pat-na1- pat-eu1-", rf"pat-(?:na|eu)1-{_UUID}"),
    Published("Adobe", "p8e-", r"p8e-[A-Za-z0-9]{32}"),
    Published("Linear, Notion", "lin_api_ ntn_ secret_",
              r"lin_api_[A-Za-z0-9]{32,48}|ntn_[A-Za-z0-9]{40,50}|secret_[A-Za-z0-9]{43}"),
    Published("Figma, Postman, Typeform, Readme", "figd_ figp_ pmak- tfp_ rdme_",
              r"fig[dp]_[A-Za-z0-9_=-]{36,60}|PMAK-[a-f0-9]{24}-[a-f0-9]{34}|tfp_[A-Za-z0-9_.=-]{40,64}"
              r"|rdme_[a-z0-9]{70}"),
    Published("New Relic", "nrak- nrii- nriq- nrjs-",
              r"NRAK-[A-Za-z0-9]{27}|NRI[IQ]-[A-Za-z0-9_-]{25,32}|NRJS-[a-f0-9]{19}"),
    Published("Sentry", "sntrys_ sntryu_", r"sntry[su]_[A-Za-z0-9_=+/-]{40,300}"),
    Published("Grafana", "glsa_ glc_", r"glsa_[A-Za-z0-9_]{41}|glc_[A-Za-z0-9+/]{32,400}={0,3}"),
    Published("Dynatrace", "dt0c01.", r"dt0c01\.[A-Za-z0-9]{24}\.[A-Za-z0-9]{64}"),
    Published("LaunchDarkly, PostHog", "api- sdk- phx_", rf"(?:api|sdk)-{_UUID}|phx_[A-Za-z0-9]{{43,48}}"),
    Published("Databricks, Prefect, PlanetScale", "dapi pnu_ pscale_tkn_ pscale_oauth_ pscale_pw_",
              r"dapi[a-f0-9]{32}(?:-\d)?|pnu_[A-Za-z0-9]{36}|pscale_(?:tkn|oauth|pw)_[A-Za-z0-9_.=-]{32,64}"),
    Published("Defined Networking", "dnkey-", r"dnkey-[a-z0-9=_-]{26}-[a-z0-9=_-]{52}"),
    Published("ClickHouse", "4b1d", r"4b1d[A-Za-z0-9]{38}"),
    Published("MaxMind", "_mmk", r"[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk", within="_mmk"),
    Published("SettleMint", "sm_aat_ sm_pat_ sm_sat_", r"sm_[aps]at_[A-Za-z0-9]{16}"),
    Published("Intra 42", "s-s4t2", r"s-s4t2(?:ud|af)-[a-f0-9]{64}"),
    Published("Contentful, Apify, Adafruit", "cfpat- apify_api_ aio_",
              r"CFPAT-[A-Za-z0-9_-]{43}|apify_api_[A-Za-z0-9]{36}|aio_[A-Za-z0-9]{28}"),
    Published("Zoho", "1000.", r"1000\.[a-f0-9]{32}\.[a-f0-9]{32}"),
    Published("Meta", "eaa", r"EAA[A-Za-z0-9]{100,300}"),
    Published("JSON web tokens (RFC 7519), in base64 too", "eyj zxlk",
              r"eyJ[A-Za-z0-9_-]{10,2000}+\.eyJ[A-Za-z0-9_-]{10,4000}+\.[A-Za-z0-9_-]{16,1000}"
              r"|ZXlK[A-Za-z0-9+/_-]{60,4000}={0,2}"),
    Published("Grafana, before 9", "eyjrijoi", r"eyJrIjoi[A-Za-z0-9]{70,400}={0,3}"),
)  # fmt: skip


def signs(within: bool) -> tuple[str, ...]:
    """What keys begin with, or hold, once each."""
    listed = [sign for one in PUBLISHED if bool(one.within) == within for sign in one.signs.split()]
    return tuple(dict.fromkeys(listed))
