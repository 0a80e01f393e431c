#!/bin/sh
# Makes the databases in this folder, with the tools named in the README. Usage: make.sh RPM-SOURCE (unpacked, for ndb)
set -eu
source=$(realpath "$1")
out=$(realpath "$(dirname "$0")")
work=/tmp/rpm-fixtures
rm -rf "$work" && mkdir -p "$work" && cd "$work"
export SOURCE_DATE_EPOCH=1700000000

# Packages: one of another architecture, with an epoch and files, in two versions; one whose header needs several pages;
# and some small ones, so that a table has pages above its leaves.
spec() { # name version release more
  printf 'Name: %s\nVersion: %s\nRelease: %s\nSummary: a thing\nLicense: none\n%b\n%%description\n%s\n' "$1" "$2" "$3" "$4" "$5"
}
files() {
  cat <<'SPEC'
%install
mkdir -p %{buildroot}/usr/share/hello
echo data > %{buildroot}/usr/share/hello/data
%files
/usr/share/hello/data
SPEC
}
for version in 1.0 2.0; do
  { spec hello $version 3 'Epoch: 2\nBuildArch: noarch\n' text; files; } >hello-$version.spec
done
{ spec beta '0.1~rc1' 1.el9 '' "$(seq -f 'line %g of a long description' 300)"; printf '%%install\n%%files\n'; } >beta.spec
for name in alpha gamma1 gamma2 gamma3 gamma4 gamma5 gamma6 gamma7 gamma8; do
  { spec $name '0.1~rc1' 1.el9 '' text; printf '%%install\n%%files\n'; } >$name.spec
done
for spec in *.spec; do
  rpmbuild -bb --quiet --target "$(grep -q noarch "$spec" && echo noarch || echo x86_64)" --define "_topdir $work" \
    --define '_buildhost builder.example' --define 'use_source_date_epoch_as_buildtime 1' "$spec"
done

quietly() { "$@" 2>/dev/null; }
list() { quietly rpm "$@" -qa --qf '%{NAME} %{EVR} %{ARCH} %{SOURCERPM}\n' | LC_ALL=C sort; }

# SQLite: all of them, then one newer and one gone. And the same with the last two steps in the log alone: a reader that
# has begun keeps rpm from copying them over.
quietly rpm --dbpath "$work/before" --initdb
quietly rpm --dbpath "$work/before" -i --justdb --nodeps RPMS/noarch/hello-1.0-3.noarch.rpm RPMS/x86_64/*.rpm
cp -r before after && cp -r before wal && rm -f wal/*-shm wal/*-wal
steps() {
  quietly rpm --dbpath "$1" -U --justdb --nodeps RPMS/noarch/hello-2.0-3.noarch.rpm
  quietly rpm --dbpath "$1" -e --justdb gamma4
}
steps "$work/after"
mkfifo go gone
python3 - <<'PYTHON' &
import sqlite3
db = sqlite3.connect('wal/rpmdb.sqlite')
db.execute('begin')
db.execute('select count(*) from Packages').fetchall()
open('go', 'w').close()
open('gone').close()
PYTHON
cat go
steps "$work/wal"
mkdir kept && cp wal/rpmdb.sqlite wal/rpmdb.sqlite-wal kept
: >gone
wait
list --dbpath "$work/after" >"$out/rpm.txt"

# The same headers in Berkeley DB's hash, in both byte orders, as rpm numbers them: 0 is the last number.
python3 - <<'PYTHON'
import sqlite3
rows = list(sqlite3.connect('file:after/rpmdb.sqlite?mode=ro', uri=True).execute('select hnum, blob from Packages'))
for order, lorder in (('little', 1234), ('big', 4321)):
    with open(order + '.dump', 'w') as dump:
        dump.write(f'VERSION=3\nformat=bytevalue\ntype=hash\ndb_pagesize=1024\ndb_lorder={lorder}\nHEADER=END\n')
        for key, value in [(0, rows[-1][0].to_bytes(4, order)), *rows]:
            dump.write(f' {key.to_bytes(4, order).hex()}\n {value.hex()}\n')
        dump.write('DATA=END\n')
for number, blob in rows:
    open(f'blob-{number}', 'wb').write(blob)
PYTHON
for order in little big; do
  mkdir bdb-$order
  db5.3_load -f $order.dump bdb-$order/Packages
  list --define '_db_backend bdb_ro' --dbpath "$work/bdb-$order" | cmp - "$out/rpm.txt"
done

# And in ndb, by rpm's own writer of it, with a package that came and went.
mkdir -p include/rpm ndb
printf '#include <stdlib.h>\n#include <string.h>\n#define xcalloc calloc\n#define xmalloc malloc\n#define xrealloc realloc\n#define xstrdup strdup\n#define _(x) x\n' >include/system.h
printf '#define RPMLOG_ERR 1\n#define RPMLOG_WARNING 2\nvoid rpmlog(int, const char *, ...);\n' >include/rpm/rpmlog.h
cat >put.c <<'C'
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include "rpmpkg.h"
void rpmlog(int code, const char *format, ...) {}
int main(int count, char **args) {
    static unsigned char blob[1 << 20];
    rpmpkgdb db;
    if (rpmpkgOpen(&db, "ndb/Packages.db", O_RDWR | O_CREAT, 0644)) return 1;
    for (int i = 1; i < count; i++) {
        FILE *file = fopen(args[i], "rb");
        if (!file || rpmpkgPut(db, atoi(args[i] + 5), blob, fread(blob, 1, sizeof blob, file))) return 2;
        fclose(file);
    }
    if (rpmpkgDel(db, 2)) return 3;
    FILE *file = fopen("blob-2", "rb");
    if (!file || rpmpkgPut(db, 99, blob, fread(blob, 1, sizeof blob, file))) return 4;
    rpmpkgClose(db);
    return 0;
}
C
gcc -w -Iinclude -I"$source/lib/backend/ndb" -o put put.c "$source/lib/backend/ndb/rpmpkg.c"
./put $(ls blob-* | sort -V)

keep() { gzip -9nc "$1" >"$out/$2.gz"; }
keep after/rpmdb.sqlite rpmdb.sqlite
keep kept/rpmdb.sqlite in-wal.sqlite
keep kept/rpmdb.sqlite-wal in-wal.sqlite-wal
keep bdb-little/Packages bdb-little
keep bdb-big/Packages bdb-big
keep ndb/Packages.db ndb
rm -rf "$work"
