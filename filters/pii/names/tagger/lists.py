"""What is known of words, Han characters and pairs of these: bits, the short lists, and the table of all.

The long lists (given names, surnames, places, words) are made by tests/benchmarks/names/make_lists.py from packages,
which NOTICE names; these here are ours.
"""

from functools import cache
from pathlib import Path

import numpy as np

TABLE = Path(__file__).with_name("lists.npz")

GIVEN = 1
SURNAME = 2
COMMON_GIVEN = 4
COMMON_SURNAME = 4
"""The same bit, of Han characters: one person in 500 bears it."""
TITLE = 8
LABEL = 16
"""Announces a name or an address: Name, Attn, 联系人, 地址."""
STREET = 32
PLACE = 64
COMMON = 128
"""A word that texts are made of."""
ORGANISATION = 256
PARTICLE = 512
"""de, van, von: in the middle of a name."""
FOREIGN = 512
"""The same bit, of Han characters: foreign names are spelled with it."""
CALENDAR = 1024
NUMERAL = 1024
"""The same bit, of Han characters."""
UNIT = 2048
"""Suite, floor; 号, 栋, 室."""
PINYIN = 4096
NAME = 8192
"""A pair that the dictionary has as a name."""
ANNOUNCES = 8192
"""The same bit, of words: what stands after it, or after a colon after it, is a private person: "
"Attn, Dear, tenant."""
ANNOUNCES_PAIR = 2048
"""The same of a pair of Han characters: 联系(人), 患者."""
COMPOUND = 16384
"""A surname of two characters."""
RARE = 16384
"""The same bit, of words: a name that few bear."""
SPELLED = 512
"""The same bit as FOREIGN, of a pair of Han characters: it stands in names."""
JAPANESE = 1024
"""The same bit as NUMERAL, of two or three Han characters: a Japanese surname."""
CLOSING = 32768
"""Regards, sincerely; 此致, 敬礼."""

ENGLISH: dict[int, str] = {
    TITLE: "mr mrs ms miss mx dr prof professor sir madam dame lord lady rev reverend fr capt captain col "
    "colonel gen "
    "general lt sgt sergeant major president senator minister judge justice hon king queen prince princess saint st "
    "messrs mister doctor officer detective coach",
    LABEL: "name names attn attention contact dear hi hello recipient tenant patient customer client employee "
    "applicant "
    "from to cc by signed signature address ship bill deliver mailing addressee payee holder owner resident student "
    "parent guardian spouse father mother agent landlord candidate located residing lives live",
    ANNOUNCES: "name attn attention contact dear hi hello recipient tenant patient customer client employee "
    "applicant addressee "
    "payee holder occupant resident student parent guardian landlord candidate nominee beneficiary "
    "insured witness seller "
    "buyer lessee lessor borrower member passenger guest caller owner spouse",
    CLOSING: "regards sincerely thanks cheers yours faithfully truly best wishes respectfully cordially love xoxo "
    "thank",
    STREET: "street st avenue ave road rd drive dr boulevard blvd lane ln way court ct place pl square sq terrace "
    "ter "
    "parkway pkwy highway hwy circle cir trail crescent cres close grove gardens mews row walk alley plaza broadway "
    "expressway quay wharf loop pike turnpike strasse straße rue via calle",
    UNIT: "apt apartment suite ste unit floor fl flat room rm box bldg building block level house studio po",
    ORGANISATION: "inc llc ltd corp corporation company co gmbh ag plc university college school institute foundation "
    "hospital church bank group association society committee council agency department ministry press "
    "museum library "
    "airport park team project software systems technologies club award prize act award theorem law",
    PARTICLE: "de la van von der den del di da dos das du le el al bin ibn ben ter ten y e af av zu zur st mac mc o",
    CALENDAR: "monday tuesday wednesday thursday friday saturday sunday january february march april may june july "
    "august september october november december mon tue wed thu fri sat sun jan feb mar apr jun jul aug sep sept oct "
    "nov dec",
}
"""English words, in small letters."""

CHARACTERS: dict[int, str] = {
    STREET: "路街道巷弄胡同衖里段",
    PLACE: "省市区县镇乡村州盟旗區縣鎮鄉屯庄莊",
    UNIT: "号號栋棟幢楼樓室层層座单單元院组組社座厦廈期户戶",
    NUMERAL: "一二三四五六七八九十百零〇两甲乙丙丁",
    FOREIGN: "·・",
}
"""Han characters."""

PAIRS: dict[int, str] = {
    TITLE: "先生 女士 小姐 太太 夫人 老师 老師 医生 醫生 大夫 护士 護士 经理 經理 主任 同志 教授 博士 律师 律師 "
    "师傅 師傅 局长 局長 院长 院長 "
    "校长 校長 部长 部長 市长 市長 省长 书记 書記 主席 总统 總統 总理 總理 记者 記者 编辑 編輯 导演 導演 "
    "演员 演員 歌手 选手 球员 教练 "
    "董事 总裁 總裁 会长 會長 委员 委員 代表 所长 科长 处长 队长 班长 法官 警官 同学 同學 阿姨 叔叔 大爷 "
    "大妈 女儿 儿子 妻子 丈夫 父亲 "
    "母亲 父親 母親 兄弟 姐妹 某某",
    LABEL: "姓名 名字 联系 聯系 聯絡 聯繫 收件 寄件 收货 收貨 发件 地址 住址 住所 户籍 籍贯 联络 客户 患者 病人 "
    "学生 學生 家长 家長 "
    "经办 经手 负责 負責 申请 申請 法人 业主 業主 租客 房东 買受 买方 卖方 甲方 乙方 户主 户名 戶名 开户 "
    "持卡 原告 被告 委托 "
    "代理 本人 致电 咨询 签名 簽名 署名 昵称 称呼 尊敬 亲爱 親愛 位于 位於 坐落 座落 家住 住在 通讯 通訊 "
    "邮寄 郵寄 人名 ",
    ANNOUNCES_PAIR: "姓名 联系 聯系 聯絡 聯繫 联络 收件 寄件 收货 收貨 发件 客户 患者 病人 学生 學生 家长 家長 "
    "经办 申请 申請 业主 業主 租客 房东 "
    "房東 户主 戶主 户名 戶名 持卡 开户 原告 被告 委托 尊敬 亲爱 親愛 本人 我叫 签名 簽名 签字 簽字 致电 "
    "买受 買受 甲方 乙方 法人 负责 負責 称呼 "
    "员工 員工 考生 乘客 旅客 会员 會員 投诉 请找 請找 咨询 名叫",
    CLOSING: "此致 敬礼 敬禮 敬上 谨上 謹上 敬启 祝好 顿首 谢谢 謝謝",
}
"""Pairs of Han characters."""

COMPOUND_SURNAMES = (
    "欧阳 歐陽 太史 端木 上官 司马 司馬 东方 東方 独孤 獨孤 南宫 南宮 万俟 闻人 聞人 夏侯 诸葛 諸葛 尉迟 "
    "尉遲 公羊 赫连 赫連 澹台 澹臺 "
    "皇甫 宗政 濮阳 濮陽 公冶 太叔 申屠 公孙 公孫 慕容 仲孙 仲孫 钟离 鍾離 长孙 長孫 宇文 司徒 鲜于 鮮于 "
    "司空 闾丘 子车 亓官 司寇 巫马 "
    "公西 颛孙 壤驷 公良 漆雕 乐正 宰父 谷梁 拓跋 夹谷 轩辕 軒轅 令狐 段干 百里 呼延 东郭 南门 羊舌 微生 "
    "公户 公玉 公仪 梁丘 公仲 公上 "
    "公门 公山 公坚 左丘 公伯 西门 西門 公祖 第五 公乘 贯丘 公皙 南荣 东里 东宫 仲长 子书 子桑 即墨 达奚 "
    "褚师 爱新 叶赫 纳兰 納蘭"
)

RARE_SURNAMES = (
    "褚戚邹喻柏窦奚酆鲍岑邬卞湛祁狄臧茅闵娄骆昝裘缪贲郁钮嵇裴荀於甄羿储靳汲邴糜隗宓郗栾钭韶郜黎蓟宿邰鄂蔺"
    "胥莘翟逄郦雍郤璩濮扈冀郏瞿阎茹宦庾暨阙殳夔厍晁訾阚鞠蒯荆竺逯桓肖付闫仝佟苑邝佘冼缑覃佴揭朴苟撖洛迟亓"
    "仉禚晏寇匡敖冷辛饶巩聂"
)
"""Surnames of one character that Faker has not; none is a usual word."""
RULERS = (
    "太祖 太宗 高祖 高宗 中宗 玄宗 肃宗 代宗 德宗 宪宗 穆宗 敬宗 文宗 武宗 宣宗 懿宗 僖宗 真宗 "
    "仁宗 英宗 神宗 哲宗 徽宗 钦宗 孝宗 光宗 宁宗 理宗 度宗 世祖 世宗 成祖 成宗 熹宗 思宗 圣祖 "
    "洪武 永乐 嘉靖 万历 崇祯 顺治 康熙 雍正 乾隆 嘉庆 道光 咸丰 同治 光绪 宣统"
)
"""Emperors of China by their temples and eras."""


@cache
def table() -> tuple[np.ndarray, np.ndarray]:
    """(key_H uint32, value_H uint16): an open table of hashes, as tokens.look_up() reads it."""
    with np.load(TABLE) as data:
        return data["key_H"], data["value_H"]
