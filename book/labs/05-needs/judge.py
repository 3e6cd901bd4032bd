"""What a CPU lacks, for CPUs that the judge makes up."""
from judge import Wrong, item

SVMDIS, NPT = 1 << 4, 1 << 0
# Of each need: what its message must name, one of these.
NAMES = {'SVM': ('SVM',), 'the firmware\'s setting': ('SVM Mode', 'AMD-V'),
         'nested paging': ('nested paging',),
         'an address space identifier': ('address space identifier', 'ASID')}


def a_cpu(lab, **given):
    """A CPU: what is not given is there, with some bits by chance."""
    cpu = {'svm': 1, 'valid': lab.random.randrange(2),
           'vm_cr': lab.random.getrandbits(5) & ~SVMDIS,
           'features': lab.random.getrandbits(20) | NPT,
           'asids': lab.random.randrange(2, 1 << 16)}
    return {**cpu, **given}


def lacks(cpu):
    """What is wrong with it: names of NAMES, and those that are moot."""
    if not cpu['svm']:
        return ['SVM'], 2
    wrong = []
    if cpu['valid'] and cpu['vm_cr'] & SVMDIS:
        wrong.append('the firmware\'s setting')
    if not cpu['features'] & NPT:
        wrong.append('nested paging')
    if cpu['asids'] < 2:
        wrong.append('an address space identifier')
    return wrong, 0


def judge_cpus(lab, cpus):
    """What is said of each is what it lacks."""
    answers = lab.ask('needs {svm} {valid} {vm_cr:#x} {features:#x} {asids}'
                      .format(**cpu) for cpu in cpus)
    for cpu, said in zip(cpus, answers):
        about = ', '.join(f'{name} {value:#x}' for name, value in cpu.items())
        rows, last = said.rsplit(';;', 1) if ';;' in said else ('', said)
        rows = [row.split('|') for row in rows.split(';;')] if rows else []
        wrong, moot = lacks(cpu)
        _judge_rows(about, rows, wrong, moot)
        error, why = last.split('|', 1)
        problems = [row[1] for row in rows if row[1]]
        if wrong and (error == '0' or why != problems[0]):
            raise Wrong(f'a CPU with {about}: expected svm_check_caps() to '
                        f'say "{problems[0]}", saw {error} and "{why}"')
        if not wrong and error != '0':
            raise Wrong(f'a CPU with {about}: expected it to be accepted, '
                        f'saw "{why}"')


def _judge_rows(about, rows, wrong, moot):
    """The needs of one CPU."""
    if len(rows) < 4:
        raise Wrong(f'expected at least 4 needs, saw {len(rows)}')
    if not all(row[0].strip() for row in rows):
        raise Wrong('expected each need to have a name')
    problems = [row[1] for row in rows if row[1]]
    if len(problems) != len(wrong):
        raise Wrong(f'a CPU with {about}: expected {len(wrong)} problems '
                    f'({", ".join(wrong) or "none"}), saw {len(problems)}: '
                    f'{"; ".join(problems) or "none"}')
    for name in wrong:
        if not any(word in text for text in problems for word in NAMES[name]):
            raise Wrong(f'a CPU with {about}: expected a message that names '
                        f'{name} ("{NAMES[name][0]}"), saw '
                        f'"{"; ".join(problems)}"')
    if sum(row[2] != '0' for row in rows) != moot:
        raise Wrong(f'a CPU with {about}: expected {moot} needs to be moot, '
                    f'saw {[row[0] for row in rows if row[2] != "0"]}')


@item('a CPU that has all is accepted, and one without SVM is not', 2,
      required=True)
def good_and_none(lab):
    """In turns."""
    judge_cpus(lab, [a_cpu(lab) if lab.random.randrange(2) else
                     a_cpu(lab, svm=0, valid=0, vm_cr=0, features=0, asids=0)
                     for _ in range(20)]
               + [a_cpu(lab), a_cpu(lab, svm=0, valid=0, features=0,
                                    asids=0)])


@item('SVM switched off names the setting', 2)
def switched_off(lab):
    """If there is a VM_CR to say so."""
    judge_cpus(lab, [a_cpu(lab, valid=valid, vm_cr=SVMDIS |
                           lab.random.getrandbits(4))
                     for valid in (0, 1, 1, 0)])


@item('nested paging that is missing is named', 2)
def no_paging(lab):
    """Whatever else the CPU has."""
    judge_cpus(lab, [a_cpu(lab, features=lab.random.getrandbits(20) & ~NPT)
                     for _ in range(6)])


@item('a missing address space identifier is named', 2)
def no_asid(lab):
    """0 is Vellum's own, so the guest needs another."""
    judge_cpus(lab, [a_cpu(lab, asids=number) for number in (0, 1, 2, 3)])


@item('all that is missing is named, and what cannot be known does not count',
      3)
def at_random(lab):
    """Any CPU."""
    cpus = []
    for _ in range(100):
        given = {'vm_cr': lab.random.getrandbits(5),
                 'features': lab.random.getrandbits(3),
                 'asids': lab.random.randrange(4)}
        if not lab.random.randrange(4):
            given |= {'svm': 0, 'valid': 0}
        cpus.append(a_cpu(lab, **given))
    judge_cpus(lab, cpus)
