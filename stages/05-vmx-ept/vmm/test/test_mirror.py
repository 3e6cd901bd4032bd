"""vmx/ and svm/ mirror each other: who knows one finds the way in the other."""
import re

from common import TOP

STAGE = TOP / 'stages' / '05-vmx-ept'


def operations(vendor):
    """The functions in a back end's table, by the operation's name."""
    text = (STAGE / vendor / 'run.c').read_text()
    table = re.search(rf'vcpu_ops {vendor}_ops = {{(.*?)\n}};', text, re.S)
    return dict(re.findall(rf'\.(\w+) = ({vendor}_\w+),', table[1]))


def home(vendor, function):
    """The name of the file that has a function."""
    begin = re.compile(rf'^\w[^;{{}}]*\b{function}\([^;]*?\)\n{{', re.M)
    files = [file.name for file in (STAGE / vendor).glob('*.c')
             if begin.search(file.read_text())]
    assert len(files) == 1, f'{function}: {files}'
    return files[0]


def test_an_operation_is_in_the_same_file_of_both_back_ends():
    """Where one of them has it not, there is nothing to compare."""
    vmx, svm = operations('vmx'), operations('svm')
    both = sorted(vmx.keys() & svm.keys())
    assert len(both) > 20
    assert [(name, home('vmx', vmx[name])) for name in both] == \
        [(name, home('svm', svm[name])) for name in both]
