"""What the book shows of runs is what runs print: those that take a second at
each `make test`, all of them with ALL=1."""
import os
import re
import shutil

import pytest
import transcripts
from common import BUILD, ToolError, stages
from stage_names import BOOT

KNOWN = transcripts.transcripts()
ALL = os.environ.get('ALL') == '1'
RUNS = {row.key: [] for row in KNOWN.values() if ALL or not row.slow}
for each_row in KNOWN.values():
    RUNS.get(each_row.key, []).append(each_row)


def test_each_transcript_has_a_file_and_each_file_is_listed():
    """Nothing is shown that is not compared."""
    files = {path.stem for path in transcripts.FOLDER.glob('*.txt')}
    assert files == set(KNOWN)
    for row in KNOWN.values():
        text = row.path.read_text()
        assert text.strip() and '\x1b' not in text and '\r' not in text
        assert str(transcripts.TOP) not in text
        assert row.kind != 'run' or re.search(
            r'STAGE=(\S+)', row.what)[1] in stages()


@pytest.mark.parametrize('rows', RUNS.values(),
                         ids=lambda rows: rows[0].name)
def test_a_transcript_is_not_stale(request, rows):
    """Run again what was run for it, and for others of the same run."""
    if request.config.getoption('stage') or request.config.getoption('emu'):
        pytest.skip('only in a run of all tests')
    runs = transcripts.Runs()
    for each in rows:
        assert not transcripts.stale(each, each.cut(runs.output(each)))


def row(tmp_path, monkeypatch, text):
    """A transcript whose file has this text."""
    monkeypatch.setattr(transcripts, 'FOLDER', tmp_path)
    (tmp_path / 'x.txt').write_text(text)
    return transcripts.Transcript('x', 'run', 'STAGE=x', '^Vellum ', '',
                                  False)


def test_a_changed_word_or_address_makes_a_transcript_stale(tmp_path,
                                                            monkeypatch):
    """Only what differs between machines may differ."""
    text = ('Vellum x\nvmm: 114 million TSC cycles from our entry to here, '
            '57 million of them for the console\n'
            'page: alloc_pages(3) returns 0x4011c000\n'
            'CPUID        952   51355668   53945\n')
    each = row(tmp_path, monkeypatch, text)
    assert not transcripts.stale(each, text)
    assert not transcripts.stale(each, text.replace('114', '98').replace(
        '57', '2').replace('51355668', '7'))
    for old, new in (('0x4011c000', '0x4011b000'), ('pages(3)', 'pages(4)'),
                     ('Vellum x\n', 'Vellum x\nmore\n'), ('CPUID', 'IO')):
        assert transcripts.stale(each, text.replace(old, new))
    each.path.unlink()
    assert transcripts.stale(each, text)


def test_a_backtrace_is_compared_by_its_functions(tmp_path, monkeypatch):
    """A change of any file moves code; only who called whom is shown."""
    text = ('panic(CPU2): x\nbacktrace<-0x40004cb2<-0x40004177\n'
            '  0x40004cb2 stop+0x12\n  0x40004177 panic+0x77\n'
            'smp: CPU 1 was in Vellum, at 0x40023b76 nested_root_init+0x186\n')
    each = row(tmp_path, monkeypatch, text)
    assert not transcripts.stale(each, text)
    for old, new in (('4cb2', '5ab0'), ('0x77', '0x79'),
                     ('in Vellum', 'in the guest'), ('init+0x186', 'x+0x1')):
        assert not transcripts.stale(each, text.replace(old, new))
    for old, new in (('stop', 'halt'), ('<-0x40004177', ''), ('CPU2', 'CPU3')):
        assert transcripts.stale(each, text.replace(old, new))


def test_which_cpu_runs_out_of_memory_is_not_compared(tmp_path, monkeypatch):
    """Of 32 that start at once; nor how little is left then."""
    text = ('panic(CPU30): Out of memory: CPU 30 got 768 of 1024 pages\n'
            'page: 307 pages are left, for CPU30 alone\n'
            'smp: 31 of 31 CPUs have stopped\n'
            'free: 283 pages, 1132 KiB\nsendint: free replied 283\n')
    each = row(tmp_path, monkeypatch, text)
    for old, new in (('30', '5'), ('768', '64'), ('283', '2'), ('307', '9'),
                     ('stopped\n', 'stopped\nsmp: 1 more have never come to '
                      'Vellum\n'), ('31 of 31', '28 of 28')):
        assert not transcripts.stale(each, text.replace(old, new))
    for old, new in (('1024', '512'), ('Out of', 'No'), ('alone', 'too'),
                     ('31 of 31', '4 of 4')):
        assert transcripts.stale(each, text.replace(old, new))


def test_a_transcript_is_cut_and_cleaned(tmp_path, monkeypatch):
    """From a line to a line; no escapes, no blanks, no paths of ours."""
    each = row(tmp_path, monkeypatch, '')
    text = (f'BIOS\n\x1b[2J\x1b[01;01HVellum x \r\nloader: {BUILD}/x/vellum.elf'
            '\nlast line\nmore\n')
    assert each.cut(text).startswith('Vellum x\nloader: build/x/vellum.elf\n')
    each.last = '^last'
    assert each.cut(text).endswith('\nlast line\n')
    assert each.cut(text).startswith('Vellum x\n')
    each.last = '^never'
    with pytest.raises(ToolError, match='no line with'):
        each.cut(text)
    with pytest.raises(ToolError, match='no line with'):
        each.cut('nothing')


def test_a_list_with_an_unknown_word_is_refused(tmp_path, monkeypatch):
    """A misspelt key must not be taken for none."""
    path = tmp_path / 'list.ini'
    shutil.copyfile(transcripts.LIST, path)
    monkeypatch.setattr(transcripts, 'LIST', path)
    assert transcripts.transcripts().keys() == KNOWN.keys()
    path.write_text(f'[x]\nrun = STAGE={BOOT}\nform = ^x\n')
    with pytest.raises(ToolError, match='wants one of run'):
        transcripts.transcripts()


def test_what_is_typed_is_a_list_of_patterns_and_texts():
    """Each line of `type` says when, and what; Enter is \\r."""
    pairs = transcripts.typing('\n^ask: => s\n> => free 1\\r\n')
    assert [(first.pattern, text) for first, text in pairs] == [
        ('^ask:', 's'), ('>', 'free 1\r')]
    assert transcripts.typing('') == ()
    with pytest.raises(ToolError, match='PATTERN => TEXT, not free'):
        transcripts.typing('> => s\nfree')
