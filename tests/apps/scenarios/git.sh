# what: 200 commits, branches and a merge, clone, log, blame, repack, gc, fsck, push
# needs: git
# quick: yes
# timeout: 120
# version: git --version
. "$APPS/lib.sh"

export GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.org
export GIT_COMMITTER_NAME=C GIT_COMMITTER_EMAIL=c@example.org GIT_PAGER=cat
git config --global init.defaultBranch main
git config --global gc.auto 0
git config --global core.fsync none
git config --global advice.detachedHead false

$K23 git init -q work
cd work
# one shell under k23, so that starting the programs is tested as well
cat >../commits.sh <<'END'
set -e
for i in $(seq 200); do
	export GIT_AUTHOR_DATE="$((1000000000 + i * 60)) +0000" GIT_COMMITTER_DATE="$((1000000000 + i * 60)) +0000"
	mkdir -p "dir$((i % 7))"
	seq "$i" $((i + i % 50)) >"dir$((i % 7))/file$((i % 40))"
	echo "line $i" >>all
	git add -A
	git commit -q -m "commit $i"
done
END
$K23 sh ../commits.sh
export GIT_AUTHOR_DATE='1100000000 +0000' GIT_COMMITTER_DATE='1100000000 +0000'
$K23 git rev-parse HEAD
$K23 git log --stat --format='%H %an %ad %s' | sha256sum
$K23 git log --oneline -- dir3 | wc -l
$K23 git blame all | sha256sum

$K23 git checkout -q -b branch HEAD~20
echo other >other
$K23 git add other
$K23 git commit -q -m other
$K23 git checkout -q main
$K23 git merge -q --no-edit branch
$K23 git rev-parse HEAD
$K23 git diff --stat HEAD~5 | tail -n 1
$K23 git rebase -q --onto HEAD~30 HEAD~3 2>&1 || { echo "rebase $?"; $K23 git rebase --abort; }
$K23 git checkout -q main

$K23 git clone -q --no-local . ../clone
$K23 git -C ../clone log --format=%H | sha256sum
$K23 git clone -q --bare --no-hardlinks . ../bare.git
$K23 git gc -q --prune=now
$K23 git count-objects -v | grep -E '^(count|in-pack|packs|garbage)'
$K23 git -c pack.threads=2 repack -adfq
$K23 git fsck --full --strict 2>&1
cd ../clone
echo pushed >pushed
$K23 git add pushed
$K23 git commit -q -m pushed
$K23 git push -q ../bare.git HEAD:refs/heads/pushed
$K23 git -C ../bare.git for-each-ref --format='%(refname) %(objectname)'
$K23 git grep -c 'line 1' HEAD -- all
$K23 git archive HEAD | sha256sum
cd ..
rm -rf clone/.git
cp -a clone out/tree
