"""The book's commands.

  book skeleton 03-buddy [page ...]   blocks that show a stage's folders
"""
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)

# pylint: disable=wrong-import-position
import tree
from common import ToolError, main
from book.skeleton import skeleton


def print_skeleton(argv):
    """skeleton STAGE [FOLDER or FILE ...]"""
    if not argv:
        raise ToolError('skeleton STAGE [FOLDER or FILE ...]')
    stage, *folders = argv
    own = [name for name, origin in tree.added().items() if origin == stage]
    print('\n'.join(skeleton(stage, folders or own)))
    return 0


COMMANDS = {'skeleton': print_skeleton}


def start(argv):
    """Run one command."""
    if not argv or argv[0] not in COMMANDS:
        raise ToolError(f'there are: {", ".join(COMMANDS)}\n{__doc__}')
    return COMMANDS[argv[0]](argv[1:])


if __name__ == '__main__':
    main(lambda: start(sys.argv[1:]))
