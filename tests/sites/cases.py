"""Functions whose one system call is planned, or refused for the reason given. `case_NAME:` is the site, and `1:` where
the window begins, for those who need it."""

# name: (reason, what is in the function, options)
# options: bare: no unwind information, no symbol; observed: only found when a program was seen there; unseen: none was;
# before: the reason before one was; inside: and so far in front of it; other: assembly
# outside the function; fixed: only where addresses are fixed; nr, window, relative, relative_end, branch: of the plan
CASES = {
    'number': ('PLANNED', 'mov $39, %eax; SITE', dict(nr=39, window=5)),
    'zero': ('PLANNED', 'mov %rdi, %rdx; xor %eax, %eax; SITE', dict(nr=0, window=5)),
    'long-number': ('PLANNED', 'mov $39, %rax; SITE', dict(nr=39, window=7)),
    'negative': ('PLANNED', 'mov $-1, %eax; SITE', dict(nr=-1)),
    'no-number': ('PLANNED', 'mov $39, %eax; mov $1, %edi; SITE', dict(nr=-1, window=5)),
    'computed-number': ('PLANNED', 'mov %esi, %eax; mov %rdi, %rdx; SITE', dict(nr=-1, window=5)),
    'relative': ('PLANNED', 'lea data(%rip), %rdi; SITE', dict(relative=3, window=7)),
    'relative-load': ('PLANNED', 'mov data(%rip), %rdi; SITE', dict(relative=3, window=7)),
    'branch-to-begin': ('PLANNED', '1: mov $39, %eax; SITE; jmp 1b', {}),
    'branch-to-syscall': ('PLANNED', 'mov $39, %eax; SITE; jmp case_branch_to_syscall', {}),
    'load-first': ('PLANNED', 'mov (%rdi), %edx; mov %rbx, %rdi; SITE', dict(window=5)),
    'stack-last': ('PLANNED', 'mov $39, %eax; mov 8(%rsp), %edi; SITE', dict(window=9, nr=39)),
    'mask': ('PLANNED', 'and $0x80, %esi; xor $0x81, %sil; SITE', dict(window=10)),
    'set-anew': ('PLANNED', 'xor %ecx, %ecx; mov %ecx, %edx; mov %edi, %eax; SITE', dict(window=6)),
    'change-last': ('PLANNED', 'mov %rdi, %rdx; inc %edi; SITE', dict(window=5)),
    'call-by-slot': ('PLANNED', 'mov $39, %eax; SITE; jmp *slot(%rip)', {}),
    'tail-call': ('PLANNED', 'mov $39, %eax; SITE; mov 8(%rdi), %rax; jmp *%rax', {}),
    'tail-call-by-memory': ('PLANNED', 'mov $39, %eax; SITE; jmp *8(%rdi)', {}),
    'good-table': ('PLANNED', '''lea 9f(%rip), %rdx; movslq (%rdx,%rdi,4), %rax; add %rdx, %rax; jmp *%rax
                   1: mov $39, %eax; SITE; 2: ret
                   .pushsection .rodata; 9: .long 1b - 9b, 2b - 9b, case_good_table - 9b; .popsection''', {}),
    'good-pad': ('PLANNED', '1: mov $39, %eax; SITE; 2: ret', dict(pad='2b')),
    'branch-out': ('PLANNED', 'test %edi, %edi; je 1f; xor %eax, %eax; SITE; 1: ret',
                   dict(window=6, branch=2, relative=255, nr=0)),
    'cancellable': ('PLANNED', 'cmpb $0, data(%rip); je 1f; xor %eax, %eax; SITE; 1: ret',
                    dict(window=11, relative=2, relative_end=7, branch=7, nr=0)),
    'branch-then-operand': ('PLANNED', 'test %edi, %edi; jne 1f; mov data(%rip), %eax; SITE; 1: ret', dict(window=6)),
    'branch-back': ('PLANNED', '1: test %edi, %edi; je 1b; xor %eax, %eax; SITE; ret', dict(window=6, branch=2)),
    'branch-over': ('PLANNED', 'test %edi, %edi; je 1f; xor %eax, %eax; SITE; ret; 1: jmp case_branch_over', {}),
    'branch-far': ('PLANNED', 'test %edi, %edi; jne number; xor %eax, %eax; SITE',
                   dict(window=8, relative=2, relative_end=6, branch=255)),
    'branch-last': ('PLANNED', 'mov $1, %eax; test %edi, %edi; je 1f; SITE; 1: ret', dict(window=9, branch=7, nr=1)),
    'flags-again': ('PLANNED', 'test %edi, %edi; je 1f; add $0, %cl; SITE; 1: ret', {}),
    'two-tables': ('PLANNED', '''lea 9f(%rip), %rdx; movslq (%rdx,%rdi,4), %rax; add %rdx, %rax; jmp *%rax
                   1: mov $39, %eax; SITE; lea 8f(%rip), %rdx; movslq (%rdx,%rdi,4), %rax; add %rdx, %rax; jmp *%rax
                   2: ret
                   .pushsection .rodata; 9: .long 1b - 9b, 2b - 9b; .long 0x7fffffff; 8: .long 2b - 8b; .popsection''', {}),
    'table-set-early': ('PLANNED', '''lea 9f(%rip), %rbx; call number; movslq (%rbx,%rdi,4), %rax; add %rbx, %rax
                   jmp *%rax; 1: mov $39, %eax; SITE; 2: ret
                   .pushsection .rodata; 9: .long 1b - 9b, 2b - 9b; .popsection''', {}),
    'behind-call': ('PLANNED', 'call number; mov $39, %eax; SITE', {}),
    'pad-only': ('PLANNED', 'ret; 1: mov $39, %eax; SITE; ret', dict(pad='1b')),
    'entered-from-afar': ('PLANNED', 'ret; .Lfar_entry: mov $39, %eax; SITE', dict(other='nop; nop; jmp .Lfar_entry')),
    'marked-entry': ('PLANNED', '''ret; 1: endbr64; mov $39, %eax; SITE
                     .pushsection .data; .quad 1b; .popsection''', {}),
    'seen-behind-jump': ('PLANNED', 'jmp 1f; mov $39, %eax; SITE; 1: ret', dict(before='NOT_REACHED')),
    'by-symbol': ('PLANNED', 'mov $39, %eax; SITE', dict(symbol=True)),

    'prefixed': ('NOT_SYSCALL', 'mov $39, %eax; .byte 0x48; SITE', {}),
    'sysenter': ('NOT_SYSCALL', 'mov $39, %eax; case_sysenter: sysenter', dict(observed=True)),
    'int80': ('NOT_SYSCALL', 'mov $39, %eax; case_int80: int $0x80', dict(observed=True)),
    'no-bounds': ('UNKNOWN_BOUNDS', 'mov $39, %eax; SITE', dict(bare=True, observed=True)),
    'signal-frame': ('UNKNOWN_BOUNDS', '.cfi_signal_frame; mov $39, %eax; SITE', dict(observed=True, bare_symbol=True)),
    'invalid': ('UNDECODABLE', '.byte 0x06; mov $39, %eax; SITE', {}),
    'invalid-behind': ('UNDECODABLE', 'mov $39, %eax; SITE; .byte 0x06', {}),
    'within': ('UNDECODABLE', '.byte 0xb8; case_within: syscall; nop; nop', dict(observed=True)),
    'cut-off': ('UNDECODABLE', 'mov $39, %eax; SITE; .byte 0xb8', {}),
    'begins': ('FUNCTION_BEGINS', 'mov %edi, %eax; SITE', {}),
    'begins-at-once': ('FUNCTION_BEGINS', 'SITE', {}),
    'branch': ('BRANCH_TARGET', 'mov %edi, %eax; 1: mov %rdx, %rsi; SITE; test %eax, %eax; js 1b', {}),
    'branch-from-afar': ('BRANCH_TARGET', 'mov %edi, %eax; .Lfar: mov %rdx, %rsi; SITE',
                         dict(other='nop; nop; jmp .Lfar')),
    'branch-into-syscall': ('BRANCH_TARGET', 'mov $39, %eax; SITE; jmp case_branch_into_syscall + 1', {}),
    'branch-inside': ('BRANCH_TARGET', 'test %edi, %edi; je 1f; mov %edi, %eax; 1: xor %edx, %edx; SITE', {}),
    'seen-inside': ('BRANCH_TARGET', 'mov $0x90c3050f, %eax; SITE', dict(before='PLANNED', inside=4)),
    'call': ('BRANCH_TARGET', 'mov %edi, %eax; 1: mov %rdx, %rsi; SITE; call 1b', {}),
    'lea': ('ADDRESS_TAKEN', 'mov %edi, %eax; 1: mov %rdx, %rsi; SITE; lea 1b(%rip), %rax', {}),
    'pointer': ('ADDRESS_TAKEN', '''mov %edi, %eax; 1: mov %rdx, %rsi; SITE
                .pushsection .data; .quad 1b; .popsection''', {}),
    'pointer-to-second': ('ADDRESS_TAKEN', '''mov %edi, %eax; mov %rdx, %rsi; SITE
                .pushsection .data; .quad case_pointer_to_second + 1; .popsection''', {}),
    'label': ('ADDRESS_TAKEN', 'mov %edi, %eax; label_inside: mov %rdx, %rsi; SITE', {}),
    'endbr': ('ADDRESS_TAKEN', 'mov %edi, %eax; endbr64; SITE', {}) ,
    'immediate': ('ADDRESS_TAKEN', 'mov %edi, %eax; 1: mov %rdx, %rsi; SITE; mov $1b, %ecx', dict(fixed=True)),
    'table': ('JUMP_TABLE', '''lea 9f(%rip), %rdx; movslq (%rdx,%rdi,4), %rax; add %rdx, %rax; jmp *%rax
              mov %edi, %eax; 1: mov %rdx, %rsi; SITE; 2: ret
              .pushsection .rodata; 9: .long 2b - 9b, 1b - 9b; .popsection''', {}),
    'pad': ('LANDING_PAD', 'mov %edi, %eax; 1: mov %rdx, %rsi; SITE; ret', dict(pad='1b')),
    'sum': ('UNKNOWN_JUMP', 'mov $39, %eax; SITE; movslq (%rsi,%rdi,4), %rax; add %rsi, %rax; jmp *%rax', {}),
    'sum-copied': ('UNKNOWN_JUMP', 'mov $39, %eax; SITE; add %rsi, %rax; mov %rax, %rdx; jmp *%rdx', {}),
    'one-table-of-two': ('UNKNOWN_JUMP', '''lea 9f(%rip), %rdx; movslq (%rdx,%rdi,4), %rax; add %rdx, %rax; jmp *%rax
                   1: mov $39, %eax; SITE; 2: movslq (%rsi,%rdi,4), %rax; add %rsi, %rax; jmp *%rax
                   .pushsection .rodata; 9: .long 1b - 9b, 2b - 9b; .popsection''', {}),
    'behind-jump': ('NOT_REACHED', 'jmp 1f; mov $39, %eax; SITE; 1: ret', dict(unseen=True)),
    'behind-ret': ('NOT_REACHED', 'ret; mov $39, %eax; SITE', dict(unseen=True)),
    'behind-trap': ('NOT_REACHED', 'ud2; mov $39, %eax; SITE', dict(unseen=True)),
    'behind-hlt': ('NOT_REACHED', 'hlt; mov $39, %eax; SITE', dict(unseen=True)),
    'behind-tail-call': ('NOT_REACHED', 'jmp *%rdi; mov $39, %eax; SITE', dict(unseen=True)),
    'data-named': ('NOT_REACHED', '''lea 1f(%rip), %rax; ret; 1: mov $39, %eax; SITE
                   .pushsection .data; .quad 1b; .popsection''', dict(unseen=True)),
    'data-by-itself': ('NOT_REACHED', 'ret; 1: mov $39, %eax; SITE; jmp 1b', dict(unseen=True)),
    'push': ('NOT_RELOCATABLE', 'mov $39, %eax; push %rdi; SITE; pop %rdi', {}),
    'pop': ('NOT_RELOCATABLE', 'mov $39, %eax; pop %rdi; SITE', {}),
    'stack-pointer': ('NOT_RELOCATABLE', 'mov $39, %eax; sub $8, %rsp; SITE', {}),
    'jump': ('NOT_RELOCATABLE', '1: test %edi, %edi; xor %eax, %eax; jmp 1b; SITE', {}),
    'jump-by-register': ('NOT_RELOCATABLE', 'test %edi, %edi; 1: jrcxz 1b; xor %eax, %eax; SITE', {}),
    'loop': ('NOT_RELOCATABLE', 'test %edi, %edi; 1: loop 1b; xor %eax, %eax; SITE', {}),
    'two-branches': ('NOT_RELOCATABLE', 'je 1f; js 1f; mov %edi, %eax; SITE; 1: ret', {}),
    'branch-too-long': ('NOT_RELOCATABLE', 
                        'cmpq $0x12345678, %fs:0x12345678(%rax,%rbx,8); je 1f; xor %eax, %eax; SITE; 1: ret', {}),
    'called': ('NOT_RELOCATABLE', 'call number; SITE', {}),
    'two-calls': ('NOT_RELOCATABLE', 'nop; nop; nop; nop; syscall; mov %edi, %eax; SITE', {}),
    'privileged': ('NOT_RELOCATABLE', 'mov %edi, %eax; wrmsr; hlt; SITE', {}),
    'stack-segment': ('NOT_RELOCATABLE', 'mov $39, %eax; mov %edx, %ss; SITE', {}),
    'sigreturn': ('NOT_RELOCATABLE', 'mov $15, %rax; SITE', {}),
    'increment': ('NOT_RESTARTABLE', 'inc %edi; mov %rsi, %rdx; SITE', {}),
    'read-then-set': ('NOT_RESTARTABLE', 'mov %edi, %edx; mov %esi, %edi; mov %ecx, %eax; SITE', {}),
    'flags': ('NOT_RESTARTABLE', 'adc $0, %edx; mov %edi, %eax; SITE', {}),
    'flags-of-branch': ('NOT_RESTARTABLE', 'je 1f; xor %eax, %eax; mov %edi, %edx; SITE; 1: ret', {}),
    'load-last': ('NOT_RESTARTABLE', 'mov %rdi, %rdx; mov (%rbx), %edx; SITE', {}),
    'store': ('NOT_RESTARTABLE', 'mov %edi, (%rbx); mov %rsi, %rdx; SITE', {}),
    'page-end': ('PAGE_END', '.skip 4092 - (. - page_end), 0x90; mov $39, %eax; SITE', dict(align=4096)),
    'page-end-inside': ('PAGE_END', '.skip 4094 - (. - page_end_inside), 0x90; mov $39, %eax; SITE', dict(align=4096)),
}


def label(name):
    return name.replace('-', '_')


PAD = '''.pushsection .gcc_except_table, "a"
lsda_{name}: .byte 0xff, 0xff, 1; .uleb128 4; .uleb128 0, 1, {pad} - {name}, 0
.popsection'''


def function(name, body, options):
    symbol = label(name)
    site = f'case_{symbol}: syscall'
    lines = [f'.p2align {(options.get("align", 16)).bit_length() - 1}']
    cfi = not options.get('bare') and not options.get('symbol')
    if options.get('symbol'):
        lines.append(f'.type {symbol}, @function')
    lines.append(f'{symbol}:')
    if cfi:
        lines.append('.cfi_startproc')
    if 'pad' in options:
        lines.append(f'.cfi_lsda 0x1b, lsda_{symbol}')
    lines += [body.replace('SITE', site)]
    if 'cut' not in name:
        lines.append('ret')
    if cfi:
        lines.append('.cfi_endproc')
    if options.get('symbol'):
        lines.append(f'.size {symbol}, . - {symbol}')
    if 'pad' in options:
        lines.append(PAD.format(name=symbol, pad=options['pad']))
    if 'other' in options:
        lines += [f'other_{symbol}: .cfi_startproc', options['other'], '.cfi_endproc']
    return '\n'.join(lines) + '\n'


def assembly(fixed):
    text = '.data\n.p2align 3\ndata: .quad 0\nslot: .quad 0\n.text\n.globl number\n.hidden number\n'
    for name, (_, body, options) in CASES.items():
        if fixed or not options.get('fixed'):
            text += function(name, body, options)
    return text + '.section .note.GNU-stack, "", @progbits\n'
