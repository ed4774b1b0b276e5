/**
 * The words of what a person can do about their file: disputes, statements, protection; and of
 * what they are told.
 *
 * What must stay true: plain, short, the same in meaning in every language; every button says what
 * it does, and what happens next is said before it is pressed.
 */
import type { Language } from '../model/notice.ts';

type Named = Readonly<Record<string, string>>;

const EN = {
  disputesTitle: 'Disputes',
  disputesLead:
    'If something in your file is wrong, say so. The lender must check it in the time below; if it does not answer, you are right. Meanwhile every report says that it is in dispute.',
  disputesHow: 'Open an account in your file and choose what is wrong.',
  toFile: 'Go to my file',
  disputesNone: 'You have no dispute.',
  disputeOf: (date: string) => `Dispute of ${date}`,
  disputeStates: { open: 'Running', decided: 'Decided', withdrawn: 'Withdrawn' } as Named,
  lenderBy: 'The lender answers by',
  answerBy: 'You have an answer by',
  blockBy: 'Blocked as identity theft by',
  ended: 'Ended',
  follow: 'See how it stands',
  withdrawDispute: 'Withdraw this dispute',
  withdrawDisputeLead: 'Nothing is changed then, and the mark on your reports goes.',
  disputeMade: 'Your dispute is open. It stands on every report from now on.',
  disputeWithdrawn: 'Your dispute is withdrawn.',
  evidence: (n: number) => (n === 1 ? '1 file sent with it' : `${n} files sent with it`),
  wrongTitle: 'Is something wrong here?',
  wrongLead: 'Choose the month in which it is wrong, or the account itself.',
  wrongWhere: 'Where it is wrong',
  wrongAccount: 'The account itself',
  next: 'Next',
  newTitle: 'What is wrong?',
  newLead: 'One dispute is about one figure. You can open as many as you need.',
  which: 'Which figure is wrong',
  wholeMonth: 'There should be no such month',
  wholeAccount: 'This account is not mine',
  should: 'What it should be',
  shouldHint:
    'Leave it empty if you do not know, or if nothing should be there. Amounts like 1234.50, days like 2026-01-31.',
  files: 'Files that show it',
  filesHint: 'PDF, PNG or JPEG, at most five of 5 MB each. The lender gets to see them.',
  theft: 'Somebody used my identity: none of this was done by me',
  theftHint:
    'For a whole account or month, with the report of the crime as a file. It is blocked within four business days unless we must decline, and you are told.',
  open: 'Open the dispute',
  openEffect: 'The lender is asked at once, and every report says that this is in dispute.',
  problems: {
    field: 'Choose one figure.',
    value: 'This figure cannot be that. Write amounts like 1234.50 and days like 2026-01-31.',
    same: 'The file says this already, or does not hold that figure.',
    running: 'This figure is in dispute already.',
    theft: 'Identity theft is about a whole account or month, with the report of the crime.',
    evidence: 'A file is too large, empty, or neither PDF nor PNG nor JPEG.',
    text: 'It is empty, too long, or holds characters that are no text.',
    months: 'Write a whole number of months from 1 to 1200, or nothing.',
  } as const,
  statementTitle: 'Your statement',
  statementLead:
    'Say in your own words what others should know. It stands on every report until you take it back.',
  statementAbout: 'What it is about',
  statementFile: 'The whole file',
  statementText: 'Your words',
  statementHint: (words: number) => `At most ${words} words.`,
  statementAdd: 'Add it to my file',
  statementTake: 'Take it back',
  statementTakeOf: (date: string) => `Take back the statement of ${date}`,
  statementsNone: 'You have made none.',
  statementMade: 'Your statement stands on every report from now on.',
  statementTaken: 'Your statement is taken back.',
  protectionTitle: 'Protection',
  protectionLead:
    'Hold others off your file. Each takes effect at once, is free, and is lifted as easily.',
  blockLeads: {
    freeze:
      'Nobody gets a report for new credit. Lenders you have credit with still see it, to look after that credit.',
    fraud_alert:
      'Everyone who gets a report is warned that somebody may pass themselves off as you, and must make sure.',
    credit_ban:
      'You promise yourself to take no new credit. It stands on every report, and no report is given for new credit.',
  } as Named,
  reason: 'Why',
  reasonHint: 'Others do not see the reason.',
  reasons: {
    identity_theft: 'Somebody uses my identity',
    own_finances: 'I want to keep my finances in check',
    other: 'Another reason',
  } as Named,
  monthsLabel: 'For how many months',
  monthsHint: 'Leave it empty to keep it until you lift it.',
  place: {
    freeze: 'Freeze my file',
    fraud_alert: 'Set the alert',
    credit_ban: 'Take no new credit',
  } as Named,
  lift: {
    freeze: 'Lift the freeze',
    fraud_alert: 'Take the alert away',
    credit_ban: 'Lift the ban',
  } as Named,
  inForce: (since: string, until: string | null) =>
    until === null ? `In force since ${since}.` : `In force since ${since}, until ${until}.`,
  notInForce: 'Not in force.',
  placed: 'It is in force now.',
  lifted: 'It is lifted now.',
  identityTitle: 'Identity',
  identityLead: 'This is how you are held here. It was verified when you were let in.',
  correctTitle: 'Is it written wrongly?',
  correctLead:
    'Say what it should be and send a document that shows it. The registry’s staff compare them; you can follow it under “Disputes”.',
  correctWhat: 'What is wrong',
  correct: 'Ask for the correction',
  correctable: {
    name: 'Name',
    birth_date: 'Date of birth',
    identity_number: 'Document number',
  } as Named,
  identityShouldHint: 'Days like 1990-01-31. No lender gets to see it.',
  identityFilesHint: 'PDF, PNG or JPEG, at most five of 5 MB each.',
  eraseTitle: 'Erase what is held about me',
  eraseLead: 'Before you ask for it, see what would go and what the law lets stay.',
  eraseSee: 'See what would happen',
  eraseGoes: (months: number) =>
    months === 0 ? 'No month can go now.' : `${months} months of your accounts go.`,
  eraseAll:
    'Nothing has to stay: your identity, your accounts and everything else here is destroyed. Only a certificate without your name remains.',
  eraseStays: 'This stays for now:',
  stays: {
    statutory_clock: 'Late months, which the law keeps for a time',
    covered: 'Months that an approval of yours, or the law, still covers',
    live_authorisation: 'An approval to hand over your data still stands: withdraw it first',
    open_dispute: 'A dispute of yours is not decided yet',
  } as Named,
  stayLine: (why: string, rows: number, until: string | null) =>
    until === null ? `${why} (${rows}).` : `${why} (${rows}), until ${until}.`,
  eraseLater: 'What stays goes by itself when its reason ends; you need not ask again.',
  eraseWhen: (hours: number) =>
    hours === 0 ? 'It is done at the next daily run.' : `It is done ${hours} hours after you ask.`,
  erase: 'Yes, erase',
  eraseAsked: 'Your wish is taken down.',
  eraseNumber: 'Keep this number: by it the certificate is asked for.',
  eraseDue: 'It is done from',
  notMeMade: 'We have opened a case about this look. You can follow it here.',
  messages: {
    look: [
      (who: string) => `${who} asked for your file`,
      'It was about new credit. If you do not know of it, say so under “Who looked”.',
    ],
    lookRefused: [
      (who: string) => `${who} asked for your file and did not get it`,
      'It was about new credit. If you do not know of it, say so under “Who looked”.',
    ],
    block_placed: [() => 'Your protection is in force', ''],
    block_lifted: [() => 'Your protection is lifted', ''],
    statement_added: [() => 'Your statement stands on your file', ''],
    dispute_opened: [() => 'Your dispute is open', 'You can follow it under “Disputes”.'],
    dispute_entered: [
      () => 'A dispute was entered for you',
      'It came by post or at the counter. You can follow it under “Disputes”.',
    ],
    theft_blocked: [
      () => 'What you said was identity theft is blocked',
      'It is not shown any more and may not come back. The lender was told.',
    ],
    theft_declined: [
      () => 'Your report of identity theft did not lead to a block',
      'Your dispute goes on. You may complain about it.',
    ],
    theft_lifted: [
      () => 'A block for identity theft was lifted',
      'What was blocked may be shown again. You can open a new dispute, with new evidence.',
    ],
    dispute_extended: [
      () => 'The answer to your dispute takes longer',
      'The new day stands under “Disputes”.',
    ],
    claim_decided: [
      () => 'A figure you disputed is decided',
      'What became of it stands under “Disputes”.',
    ],
    dispute_decided: [() => 'Your dispute is decided', 'The letter stands under “Disputes”.'],
    dispute_withdrawn: [() => 'Your dispute is withdrawn', ''],
    erasure_asked: [
      () => 'You asked to be erased',
      'What goes and what stays is told under “Identity”.',
    ],
    correction_resent: [() => 'Whoever was shown a wrong figure of yours was told', ''],
    reinsertion_certified: [
      () => 'A lender certified a figure that you had disputed',
      'It is shown again. You can open a new dispute, with new evidence.',
    ],
  } as Readonly<Record<string, readonly [(who: string) => string, string]>>,
  toldTo: (names: string) => `Told: ${names}.`,
  someone: 'Somebody',
};

type Of<T> = T extends string
  ? string
  : T extends (...of: infer A) => string
    ? (...of: A) => string
    : { readonly [K in keyof T]: Of<T[K]> };
export type RightsWords = Of<typeof EN>;

const ZH: RightsWords = {
  disputesTitle: '异议',
  disputesLead:
    '如果档案中有错误，请提出异议。贷款机构须在下列期限内核查；逾期不答复，即以您所述为准。在此期间，每份报告都会注明该项存在异议。',
  disputesHow: '请在您的档案中打开一个账户，选择有误之处。',
  toFile: '前往我的档案',
  disputesNone: '您没有异议。',
  disputeOf: (date) => `${date}提出的异议`,
  disputeStates: { open: '处理中', decided: '已办结', withdrawn: '已撤回' },
  lenderBy: '贷款机构答复期限',
  answerBy: '您最迟收到答复的日期',
  blockBy: '最迟作为身份盗用封锁的日期',
  ended: '办结日期',
  follow: '查看进展',
  withdrawDispute: '撤回此项异议',
  withdrawDisputeLead: '撤回后不作任何改动，报告上的异议标注同时取消。',
  disputeMade: '您的异议已提出。自现在起，每份报告都会注明。',
  disputeWithdrawn: '您的异议已撤回。',
  evidence: (n) => `随附 ${n} 个文件`,
  wrongTitle: '这里有误吗？',
  wrongLead: '请选择有误的月份，或选择账户本身。',
  wrongWhere: '有误之处',
  wrongAccount: '账户本身',
  next: '下一步',
  newTitle: '哪里有误？',
  newLead: '一项异议针对一个数据。您可以按需提出多项。',
  which: '哪个数据有误',
  wholeMonth: '不应有这个月的记录',
  wholeAccount: '这个账户不是我的',
  should: '应当是什么',
  shouldHint: '如果您不知道，或该处不应有内容，请留空。金额如 1234.50，日期如 2026-01-31。',
  files: '证明文件',
  filesHint: 'PDF、PNG 或 JPEG，最多五个，每个不超过 5 MB。贷款机构可以查看。',
  theft: '有人盗用了我的身份：这些都不是我本人所为',
  theftHint:
    '适用于整个账户或整个月份，请附报案材料。除非必须拒绝，将在四个工作日内封锁，并通知您。',
  open: '提出异议',
  openEffect: '将立即通知贷款机构核查，并在每份报告上注明该项存在异议。',
  problems: {
    field: '请选择一个数据。',
    value: '该数据不能是这样的内容。金额请写成 1234.50，日期请写成 2026-01-31。',
    same: '档案中已是如此，或没有该数据。',
    running: '该数据已在异议处理中。',
    theft: '身份被盗用须针对整个账户或整个月份，并附报案材料。',
    evidence: '有文件过大、为空，或不是 PDF、PNG、JPEG。',
    text: '内容为空、过长，或含有非文字字符。',
    months: '请填写 1 至 1200 之间的整数月数，或留空。',
  },
  statementTitle: '您的声明',
  statementLead: '用您自己的话说明他人应当知道的情况。在您收回之前，声明会出现在每份报告上。',
  statementAbout: '关于什么',
  statementFile: '整个档案',
  statementText: '您的声明内容',
  statementHint: (words) => `不超过 ${words} 个词（汉字按三分之二个词计）。`,
  statementAdd: '加入我的档案',
  statementTake: '收回声明',
  statementTakeOf: (date) => `收回${date}的声明`,
  statementsNone: '您尚未作出声明。',
  statementMade: '自现在起，您的声明会出现在每份报告上。',
  statementTaken: '您的声明已收回。',
  protectionTitle: '保护',
  protectionLead: '限制他人查询您的档案。各项措施立即生效、免费，解除同样方便。',
  blockLeads: {
    freeze: '任何人都不能为审批新的贷款取得您的报告。您现有的贷款机构仍可为管理该贷款而查看。',
    fraud_alert: '每个取得报告的人都会收到警示：可能有人冒用您的身份，必须加以核实。',
    credit_ban: '您承诺不再申请新的贷款。此声明出现在每份报告上，且不再为新的贷款提供报告。',
  },
  reason: '原因',
  reasonHint: '他人看不到原因。',
  reasons: {
    identity_theft: '有人冒用我的身份',
    own_finances: '我想约束自己的财务',
    other: '其他原因',
  },
  monthsLabel: '持续几个月',
  monthsHint: '留空则持续到您解除为止。',
  place: { freeze: '冻结我的档案', fraud_alert: '设置警示', credit_ban: '不接受新贷款' },
  lift: { freeze: '解除冻结', fraud_alert: '取消警示', credit_ban: '解除声明' },
  inForce: (since, until) =>
    until === null ? `自${since}起生效。` : `自${since}起生效，至${until}。`,
  notInForce: '未生效。',
  placed: '现已生效。',
  lifted: '现已解除。',
  identityTitle: '身份信息',
  identityLead: '以下为本机构登记的您的身份信息，已在您进入时核验。',
  correctTitle: '登记有误吗？',
  correctLead:
    '请说明应当是什么，并附上证明文件。登记机构工作人员将予核对，您可以在“异议”中查看进展。',
  correctWhat: '哪一项有误',
  correct: '申请更正',
  correctable: { name: '姓名', birth_date: '出生日期', identity_number: '证件号码' },
  identityShouldHint: '日期如 1990-01-31。贷款机构看不到此内容。',
  identityFilesHint: 'PDF、PNG 或 JPEG，最多五个，每个不超过 5 MB。',
  eraseTitle: '删除本机构保存的我的信息',
  eraseLead: '提出之前，请先查看哪些会删除、哪些依法须保留。',
  eraseSee: '查看会发生什么',
  eraseGoes: (months) =>
    months === 0 ? '目前没有可以删除的月份。' : `将删除您账户的 ${months} 个月份。`,
  eraseAll: '没有须保留的内容：您的身份、账户及其他全部信息都将销毁，仅保留一份不含姓名的证明。',
  eraseStays: '以下内容暂时保留：',
  stays: {
    statutory_clock: '法律规定须保存一定期限的逾期月份',
    covered: '仍有您的授权或法律依据的月份',
    live_authorisation: '仍有一项报送授权有效，请先撤回',
    open_dispute: '您有一项异议尚未办结',
  },
  stayLine: (why, rows, until) =>
    until === null ? `${why}（${rows}）。` : `${why}（${rows}），至${until}。`,
  eraseLater: '保留的内容在理由消失后自动删除，您无须再次提出。',
  eraseWhen: (hours) =>
    hours === 0 ? '将在下一次每日处理时完成。' : `将在您提出 ${hours} 小时后完成。`,
  erase: '确定删除',
  eraseAsked: '您的请求已登记。',
  eraseNumber: '请保存此编号，凭此编号可索取证明。',
  eraseDue: '自此时起处理',
  notMeMade: '我们已就此次查询立案。您可以在此查看进展。',
  messages: {
    look: [
      (who) => `${who}查询了您的档案`,
      '查询目的为新的贷款。如果您不知情，请在“谁查询过”中告诉我们。',
    ],
    lookRefused: [
      (who) => `${who}申请查询您的档案，未获提供`,
      '查询目的为新的贷款。如果您不知情，请在“谁查询过”中告诉我们。',
    ],
    block_placed: [() => '您的保护措施已生效', ''],
    block_lifted: [() => '您的保护措施已解除', ''],
    statement_added: [() => '您的声明已加入档案', ''],
    dispute_opened: [() => '您的异议已提出', '您可以在“异议”中查看进展。'],
    dispute_entered: [
      () => '已代您提出异议',
      '该异议以信函或柜台方式提出。您可以在“异议”中查看进展。',
    ],
    theft_blocked: [
      () => '您声明被盗用身份的内容已被封锁',
      '该内容不再展示，也不得再次报送。贷款机构已获通知。',
    ],
    theft_declined: [() => '您关于身份被盗用的声明未予封锁', '您的异议继续处理。您可以就此投诉。'],
    theft_lifted: [
      () => '一项身份盗用封锁已解除',
      '被封锁的内容可能重新展示。您可以提供新证据再次提出异议。',
    ],
    dispute_extended: [() => '您的异议需要更长时间答复', '新的期限见“异议”。'],
    claim_decided: [() => '您提出异议的一项数据已有结果', '结果见“异议”。'],
    dispute_decided: [() => '您的异议已办结', '答复函见“异议”。'],
    dispute_withdrawn: [() => '您的异议已撤回', ''],
    erasure_asked: [() => '您已申请删除', '删除与保留的内容见“身份信息”。'],
    correction_resent: [() => '曾查询到您错误数据的机构均已获通知', ''],
    reinsertion_certified: [
      () => '贷款机构证明了您曾提出异议的一项数据',
      '该数据重新展示。您可以提供新证据再次提出异议。',
    ],
  },
  toldTo: (names) => `已通知：${names}。`,
  someone: '有人',
};

export const RIGHTS_WORDS: Readonly<Record<Language, RightsWords>> = { en: EN, zh: ZH };
