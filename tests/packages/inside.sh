#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# Runs inside the fresh system, in which /packages has the packages and the programs.
set -eux
cd /packages

apt-get install -y --no-install-recommends ./libserverlink0_*.deb ./libserverlink-http0_*.deb \
    ./libserverlink-dev_*.deb ./serverlink-tools_*.deb ./serverlink-libzmq_*.deb

# A program in C++ and one in C, by pkg-config and by CMake.
# shellcheck disable=SC2046
c++ -std=c++23 hello.cpp -o hello $(pkg-config --cflags --libs serverlink-http)
./hello
# shellcheck disable=SC2046
cc -std=c99 hello.c -o hello-c $(pkg-config --cflags --libs serverlink)
./hello-c
mkdir cmake
cat >cmake/CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.20)
project(hello LANGUAGES CXX)
find_package(serverlink REQUIRED COMPONENTS http)
set(CMAKE_CXX_STANDARD 23)
add_executable(hello ../hello.cpp)
target_link_libraries(hello PRIVATE serverlink::http)
END
cmake -S cmake -B cmake/build
cmake --build cmake/build
cmake/build/hello

# The command.
slk version
slk keygen keys
slk receive pull --bind tcp://127.0.0.1:5555 --count 1 >received &
slk send push --connect tcp://127.0.0.1:5555 hello
wait
grep -x hello received

# The stand-in for libzmq: for one program, for the system, and back.
python3 exchange.py libzmq5
serverlink-libzmq run python3 exchange.py serverlink
serverlink-libzmq status
python3 exchange.py libzmq5
serverlink-libzmq on
serverlink-libzmq status
python3 exchange.py serverlink
# An update of the system's library, after which ldconfig runs, changes nothing.
apt-get install -y --reinstall libzmq5
python3 exchange.py serverlink
serverlink-libzmq off
python3 exchange.py libzmq5
serverlink-libzmq on
# The package takes it back when it goes.
apt-get remove -y serverlink-libzmq
python3 exchange.py libzmq5
test -z "$(ls /etc/ld.so.conf.d/*serverlink* 2>/dev/null)"
apt-get purge -y libserverlink0 libserverlink-http0 serverlink-tools
test -z "$(find /usr -name '*serverlink*')"
echo "the packages work"
