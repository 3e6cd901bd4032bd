"""Rules of VM entry for what is in no register (SDM 3C 27.3.1.5), held against
states that the judge makes up."""
from judge import Wrong, item

SECTION = '27.3.1.5'
LINK, DEBUGCTL, PIN, EVENT = 0x2800, 0x2802, 0x4000, 0x4016
SS_AR, BLOCKING, ACTIVITY = 0x4818, 0x4824, 0x4826
RFLAGS, PENDING = 0x6820, 0x6822
FIELDS = {ACTIVITY: 'GUEST_ACTIVITY', BLOCKING: 'GUEST_INTERRUPTIBILITY',
          PENDING: 'GUEST_PENDING_DEBUG', LINK: 'LINK_POINTER'}
STI, MOV_SS, NMI = 1, 2, 8
TF, IF, BTF, BS = 1 << 8, 1 << 9, 1 << 1, 1 << 14
VALID, VIRTUAL_NMI, NMI_EXITING = 1 << 31, 1 << 5, 1 << 3
# Type and vector of what may go in, and which states each wakes a CPU from.
EVENTS = {'nothing': (0, {0, 1, 2, 3}),
          'an interrupt': (VALID | 0x30, {0, 1}),
          'an NMI': (VALID | 0x202, {0, 1, 2}),
          '#DB': (VALID | 0x301, {0, 1}),
          '#MC': (VALID | 0x312, {0, 1, 2}),
          '#UD': (VALID | 0x306, {0})}


def a_state(**given):
    """A good state, with something changed."""
    return {'states': 7, 'activity': 0, 'blocking': 0, 'pending': 0,
            'link': (1 << 64) - 1, 'rflags': 2, 'debugctl': 0, 'dpl': 0,
            'event': 'nothing', 'virtual': 1, **given}


def broken(s):
    """Which fields the CPU would complain about."""
    wrong, shadow = set(), s['blocking'] & (STI | MOV_SS)
    if s['activity'] > 3 or \
            s['activity'] and not s['states'] >> s['activity'] - 1 & 1 or \
            s['activity'] == 1 and s['dpl'] or s['activity'] and shadow or \
            s['activity'] not in EVENTS[s['event']][1] | (
                set(range(16)) if s['event'] == 'nothing' else set()):
        wrong.add(ACTIVITY)
    forbidden = 0
    if s['event'] == 'an interrupt':
        forbidden = STI | MOV_SS
    elif s['event'] == 'an NMI':
        forbidden = STI | MOV_SS | (NMI if s['virtual'] else 0)
    if s['blocking'] & ~(STI | MOV_SS | NMI) or shadow == STI | MOV_SS or \
            s['blocking'] & STI and not s['rflags'] & IF or \
            s['blocking'] & forbidden:
        wrong.add(BLOCKING)
    stepping = bool(s['rflags'] & TF) and not s['debugctl'] & BTF
    allowed = 0xf | 1 << 12 | BS | 1 << 16
    if s['pending'] & ~allowed or \
            (shadow or s['activity'] == 1) and \
            bool(s['pending'] & BS) != stepping:
        wrong.add(PENDING)
    if s['link'] != (1 << 64) - 1 and (s['link'] & 0xfff or
                                       s['link'] >> 39):
        wrong.add(LINK)
    return wrong


def lines_of(s):
    """The commands that make a state."""
    pin = VIRTUAL_NMI | NMI_EXITING if s['virtual'] else 0
    return [f'real {s["states"]}', f'set {ACTIVITY} {s["activity"]}',
            f'set {BLOCKING} {s["blocking"]}',
            f'set {PENDING} {s["pending"]:#x}', f'set {LINK} {s["link"]:#x}',
            f'set {RFLAGS} {s["rflags"]:#x}',
            f'set {DEBUGCTL} {s["debugctl"]}',
            f'set {SS_AR} {s["dpl"] << 5:#x} 0x60',
            f'set {EVENT} {EVENTS[s["event"]][0]:#x}',
            f'set {PIN} {pin:#x} {VIRTUAL_NMI:#x}', 'check']


def judge_states(lab, states):
    """What is said of each is what is wrong with it."""
    lines, ends = [], []
    for state in states:
        lines += lines_of(state)
        ends.append(len(lines) - 1)
    answers = lab.ask(lines)
    for state, end in zip(states, ends):
        said = [word.split(':') for word in answers[end].split()]
        seen = {int(field, 16) for section, field in said
                if section == SECTION}
        wanted = broken(state)
        if seen != wanted:
            good = a_state()
            about = ', '.join(f'{name} {value}' for name, value in
                              state.items() if value != good[name])
            raise Wrong(f'a state with {about or "nothing special"}: expected '
                        f'a complaint about {names(wanted)}, saw one about '
                        f'{names(seen)}')


def names(fields):
    """Fields in words."""
    return ', '.join(FIELDS.get(each, hex(each)) for each in sorted(fields)) \
        or 'nothing'


@item('a good state breaks no rule, and one that no CPU has is named', 2,
      required=True)
def good(lab):
    """Activity states, by IA32_VMX_MISC."""
    judge_states(lab, [a_state(activity=activity, states=states,
                               dpl=lab.random.choice((0, 0, 3)))
                       for activity in range(6) for states in range(8)])


@item('shadows, and blocked NMIs, have their rules', 3)
def blocking(lab):
    """All of GUEST_INTERRUPTIBILITY's bits, with and without IF."""
    judge_states(lab, [a_state(blocking=bits, rflags=2 | flag,
                               activity=lab.random.choice((0, 0, 1)))
                       for bits in range(32) for flag in (0, IF)])


@item('an event goes in only where it can', 3)
def events(lab):
    """Into which activity state, and past what is blocked."""
    judge_states(lab, [a_state(event=event, activity=activity,
                               blocking=blocked, rflags=2 | IF,
                               virtual=lab.random.randrange(2))
                       for event in EVENTS for activity in range(4)
                       for blocked in (0, STI, MOV_SS, NMI)])


@item('a single step does not get lost', 3)
def step(lab):
    """BS is there exactly if one is due, while traps are held back."""
    judge_states(lab, [a_state(rflags=2 | IF | flag, debugctl=btf,
                               pending=pending, blocking=blocked,
                               activity=0 if blocked else
                               lab.random.randrange(2))
                       for flag in (0, TF) for btf in (0, BTF)
                       for pending in (0, BS, 1, BS | 1 << 12)
                       for blocked in (0, STI, MOV_SS)])


@item('reserved bits and the link pointer are looked at', 2)
def reserved(lab):
    """One bit each, and addresses."""
    link = 0x1000 * lab.random.randrange(1, 1 << 27)
    judge_states(lab, [a_state(pending=1 << bit) for bit in range(64)]
                 + [a_state(link=each) for each in
                    (link, link | 8, 1 << 39, 0, 0x123, (1 << 64) - 4096)])


@item('random states agree with a model', 4)
def at_random(lab):
    """Everything at once."""
    pick = lab.random.choice
    judge_states(lab, [a_state(
        states=pick((7, 7, 1, 3)), activity=pick((0, 0, 0, 1, 2, 3, 4)),
        blocking=pick((0, 0, 1, 2, 3, 8, 9, 4)),
        pending=pick((0, 0, BS, 1 << 12, 1 << 4)),
        rflags=2 | pick((0, IF)) | pick((0, TF)), debugctl=pick((0, BTF)),
        dpl=pick((0, 0, 3)), event=pick(list(EVENTS)),
        virtual=pick((0, 1))) for _ in range(500)])
