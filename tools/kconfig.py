"""What is built: the Kconfig files beside the code, and .config at the top.

  kconfig.py generate OUT CONFIG [NAME=VALUE...]
        OUT/config.h and OUT/config.mk of the stage in the current directory,
        as the file CONFIG says; what it does not name has its default. NAME=
        are switches on make's command line: they win
  kconfig.py menuconfig|config|olddefconfig|savedefconfig|NAME_defconfig
        the goals of make that make and change .config

Debian's python3-kconfiglib has the language and the menu. The options of the
last stage are those of all: a .config is for every stage.
"""
import curses
import os
import re
import runpy
import sys
from pathlib import Path

from common import TOP, ToolError, main, stage_dir, wrong_python
from values import nearest, one_of

try:
    from kconfiglib import (BOOL, INT, STRING, Kconfig, KconfigError,
                            expr_str, expr_value)
except ImportError as missing:
    wrong_python(missing)

ROOT = 'mk/Kconfig.all'
ALL = stage_dir('final')        # in a lab its only stage
CONFIGS = ALL / 'configs'
# Goals that are programs of kconfiglib.
PROGRAMS = {'menuconfig': 'menuconfig', 'config': 'oldconfig',
            'olddefconfig': 'olddefconfig'}
MIB = 1 << 20


def options(folder):
    """The options of a stage, with their defaults."""
    os.environ.update(srctree=str(folder), KCONFIG_WARN_UNDEF='y')
    try:
        found = Kconfig(ROOT, warn_to_stderr=False)
    except KconfigError as error:
        raise ToolError(error) from None
    if found.warnings:
        raise ToolError('\n'.join(found.warnings))
    return found


def names():
    """The names of all options of all stages."""
    return {name for path in ALL.glob('*/Kconfig') for name in re.findall(
        r'^\s*(?:menu)?config (\w+)', path.read_text(), re.MULTILINE)}


def limits(symbol):
    """The range that a number must be in: two numbers, or nothing."""
    return next(([int(end.str_value, 0) for end in (low, high)]
                 for low, high, when in symbol.ranges if expr_value(when)), ())


def wrong(symbol, value):
    """What a value should have been, or nothing."""
    if symbol.type is BOOL:
        return None if value in ('y', 'n') else 'y or n'
    if symbol.type is STRING:
        return None if re.fullmatch(r'"([^"\\]|\\.)*"', value) else \
            'text in quotes: "..."'
    base, what = (10, 'number') if symbol.type is INT else \
        (16, 'hexadecimal number')
    between = limits(symbol)
    try:
        if not between or between[0] <= int(value, base) <= between[1]:
            return None
    except ValueError:
        pass
    return f'a {what}' + (f' from {between[0]} to {between[1]}'
                          if between else '')


def read(path):
    """The assignments of a file: (number of the line, name, value). The value
    is None where the line is none."""
    try:
        lines = Path(path).read_text(encoding='utf-8').splitlines()
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError) as error:
        raise ToolError(f'{path}: {error}') from None
    for number, line in enumerate(map(str.rstrip, lines), 1):
        found = re.fullmatch(r'CONFIG_(\w+)=(.*)', line)
        off = re.fullmatch(r'# CONFIG_(\w+) is not set', line)
        if found or off:
            yield number, (found or off)[1], found[2] if found else 'n'
        elif line and not line.lstrip().startswith('#'):
            yield number, line, None


def complaints(path, found):
    """What is wrong in a file: a message for each line."""
    whole = Path(path).resolve()
    shown = whole.relative_to(TOP) if whole.is_relative_to(TOP) else path
    known = names() | set(found.syms)
    for number, name, value in read(path):
        symbol = found.syms.get(name)
        if value is None:
            yield f'{shown}:{number}: {name}: no line such as CONFIG_NAME=y'
        elif name not in known:
            yield (f'{shown}:{number}: CONFIG_{name}: no such option; '
                   + nearest(name.upper(), known)).rstrip('; ')
        elif symbol and symbol.nodes and wrong(symbol, value):
            yield (f'{shown}:{number}: CONFIG_{name}={value}: not '
                   + wrong(symbol, value))


def load(found, path):
    """Take what a file says, and say what of it has no effect."""
    said = list(complaints(path, found))
    if said:
        raise ToolError('\n'.join(said) + '\nmend the line, or `make '
                        'olddefconfig` drops what is no option')
    given = {name: (number, value) for number, name, value in read(path)
             if name in found.syms}
    if given:
        found.load_config(path)
    for name, (number, value) in given.items():
        symbol = found.syms[name]
        if symbol.type is BOOL and symbol.str_value != value:
            depends = expr_str(symbol.nodes[0].prompt[1])
            print(f'{Path(path).name}:{number}: CONFIG_{name}={value} has no '
                  f'effect: that needs {depends}', flush=True)


def switches(found, words):
    """Switches on make's command line are options by their old names."""
    for word in words:
        name, _, value = word.partition('=')
        if name in found.syms and value:
            symbol = found.syms[name]
            number = 'y' if symbol.type is BOOL else \
                str(-(-int(value) // MIB))      # VMMSIZE_ALL, in bytes
            if wrong(symbol, number):
                raise ToolError(f'{word}: {number} MiB is not '
                                + wrong(symbol, number))
            symbol.set_value(number)


def c_value(symbol):
    """The value of an option, in C."""
    if symbol.type is BOOL:
        return '1' if symbol.str_value == 'y' else '0'
    if symbol.type is STRING:
        return '"{}"'.format(re.sub(r'(["\\])', r'\\\1', symbol.str_value))
    return symbol.str_value or '0'


def make_value(symbol):
    """The value of an option, for make: y or nothing, or as it is."""
    return '' if symbol.str_value == 'n' else symbol.str_value


def write(path, lines, always=False):
    """Write a file; one that is the same already is left as old as it is."""
    text = '\n'.join(lines) + '\n'
    if always or not path.is_file() or path.read_text() != text:
        path.write_text(text)


def generate(out, config, words):
    """Write config.h and config.mk into out; the exit status."""
    found, asked = options(Path.cwd()), os.environ.get('KCONFIG_CONFIG')
    if asked and not Path(config).exists():
        raise ToolError(f'KCONFIG_CONFIG={asked}: no such file')
    load(found, config)
    switches(found, words)
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    head = 'Made by tools/kconfig.py'
    write(out / 'config.h', [f'/* {head}. */', *(
        f'#define CONFIG_{each.name} {c_value(each)}'
        for each in found.unique_defined_syms)])
    write(out / 'config.mk', [f'# {head}.', *(
        f'CONFIG_{each.name} := {make_value(each)}'.rstrip()
        for each in found.unique_defined_syms)], always=True)
    return 0


def program(name, *argv):
    """Run a program of kconfiglib on .config."""
    os.environ['srctree'] = str(ALL)
    sys.argv[:] = [name, *map(str, argv)]
    try:
        runpy.run_module(name, run_name='__main__')
    except EOFError:
        raise ToolError(f'no more answers: {config_file()} is as it was') \
            from None
    except curses.error as error:
        raise ToolError(f'this terminal has no menu ({error}): make config '
                        'asks instead') from None


def config_file():
    """The configuration that the goals make and change."""
    return os.environ.get('KCONFIG_CONFIG') or '.config'


def goal(name, save_as):
    """Make or change .config; the exit status."""
    os.chdir(TOP)
    os.environ['KCONFIG_CONFIG'] = config_file()
    base, is_file, _ = name.rpartition('_defconfig')
    if is_file:
        there = sorted(path.name for path in CONFIGS.glob('*'))
        path = CONFIGS / one_of('NAME', base, there, 'such configuration')
        load(options(ALL), path)
        program('defconfig', '--kconfig', ROOT, os.path.relpath(path))
        return 0
    for line in complaints(config_file(), options(ALL)):
        print(f'{line}; dropped')
    if name == 'menuconfig' and not sys.stdout.isatty():
        raise ToolError('menuconfig wants a terminal')
    if name == 'savedefconfig':
        path = CONFIGS / (save_as or 'mine')
        CONFIGS.mkdir(exist_ok=True)
        program(name, '--kconfig', ROOT, '--out', os.path.relpath(path))
        print(f'make {path.name}_defconfig makes .config of it')
        return 0
    program(PROGRAMS[name], ROOT)
    return 0


def start(argv):
    """What the arguments ask for; the exit status."""
    if argv[:1] == ['generate']:
        return generate(argv[1], argv[2], argv[3:])
    return goal(argv[0], argv[1] if argv[1:] else '')


if __name__ == '__main__':
    main(lambda: start(sys.argv[1:]))
