# what: pipelines, substitutions, coprocess, jobs, traps
# needs: bash
# quick: yes
# timeout: 60
# version: bash --version
. "$APPS/lib.sh"

$K23 bash "$APPS/programs/pipelines.bash"
$K23 sh -c 'echo $0 $#; seq 1000 | sort -rn | head -n 3 | (read a; read b; echo $a $b); exit 3' dash x y || echo "status $?"
printf '#!/bin/sh\necho script $1; exec cat' >script
chmod +x script
echo input | $K23 ./script argument
# how a shell ends that kills itself must reach the caller
{ $K23 bash -c 'kill -SEGV $$'; } 2>/dev/null || echo "status $?"
$K23 bash -c 'ulimit -c 0; bash -c "kill -9 \$\$"; echo inner $?' 2>/dev/null
