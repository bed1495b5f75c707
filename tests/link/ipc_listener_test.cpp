// SPDX-License-Identifier: MPL-2.0
// Listeners on Unix domain sockets and the file system.

#include "ipc_rig.hpp"

#include "io/os/local_socket.hpp"
#include "support/skip.hpp"

#include <algorithm>
#include <barrier>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <thread>

#include <sys/stat.h>
#include <sys/wait.h>

namespace slk::link_tests {

namespace {

namespace fs = std::filesystem;

/// The current directory, for one test.
class inside {
public:
    explicit inside(const std::string& folder) : before_(fs::current_path())
    {
        fs::current_path(folder);
    }
    inside(const inside&) = delete;
    inside& operator=(const inside&) = delete;
    ~inside() { fs::current_path(before_); }

private:
    fs::path before_;
};

/// The variables that name the directory for temporary files, for one test.
class temporary_variables {
public:
    temporary_variables()
    {
        for (const char* const name : names) {
            const char* const value = std::getenv(name);
            before_.push_back(value != nullptr ? std::optional<std::string>(value) : std::nullopt);
            ::unsetenv(name);
        }
    }
    temporary_variables(const temporary_variables&) = delete;
    temporary_variables& operator=(const temporary_variables&) = delete;
    ~temporary_variables()
    {
        for (std::size_t i = 0; i < before_.size(); ++i) {
            if (before_[i])
                ::setenv(names[i], before_[i]->c_str(), 1);
            else
                ::unsetenv(names[i]);
        }
    }

private:
    static constexpr const char* names[] = {"TMPDIR", "TEMPDIR", "TMP"};
    std::vector<std::optional<std::string>> before_;
};

/// A user without root's permissions.
class unprivileged {
public:
    unprivileged() : changed_(::geteuid() == 0 && ::seteuid(65534) == 0) {}
    unprivileged(const unprivileged&) = delete;
    unprivileged& operator=(const unprivileged&) = delete;
    ~unprivileged()
    {
        if (changed_)
            CHECK(::seteuid(0) == 0);
    }
    [[nodiscard]] static bool possible() { return ::geteuid() != 0; }

private:
    bool changed_;
};

void make_file(const std::string& path)
{
    std::ofstream(path) << "mine";
}

ino_t inode_of(const std::string& path)
{
    struct stat found{};
    REQUIRE(::lstat(path.c_str(), &found) == 0);
    return found.st_ino;
}

} // namespace

TEST_CASE("an ipc listener removes its file when it is closed, and the name is free at once")
{
    temporary_folder folder;
    const std::string path = folder.file("socket");
    rig on;
    for (int round = 0; round < 3; ++round) {
        ipc_server peer(*on, path);
        REQUIRE(peer.listening.has_value());
        CHECK(fs::is_socket(path));
        CHECK(answers(on, path));
        peer.listening->close();
        CHECK(folder.is_empty());
        CHECK_FALSE(answers(on, path));
    }
}

TEST_CASE("an ipc listener has an endpoint, and its address is a local one")
{
    temporary_folder folder;
    rig on;
    const ipc_server peer(*on, folder.file("a b;c:d"));
    REQUIRE(peer.listening.has_value());
    CHECK(to_string(peer.listening->local_endpoint()) == "ipc://" + folder.file("a b;c:d"));
    CHECK(peer.listening->local_endpoint() == ipc(folder.file("a b;c:d")));
    CHECK(peer.listening->local_address() == address::local());
    CHECK(answers(on, folder.file("a b;c:d")));
}

TEST_CASE("the end of the loop removes the file of an ipc listener, and the folder of a wildcard")
{
    temporary_folder folder;
    const temporary_variables none;
    ::setenv("TMPDIR", folder.path().c_str(), 1);
    rig on;
    const ipc_server named(*on, folder.file("socket"));
    const ipc_server wild(*on, "*");
    REQUIRE(named.listening.has_value());
    REQUIRE(wild.listening.has_value());
    CHECK_FALSE(folder.is_empty());
    on.end();
    CHECK(folder.is_empty());
    CHECK(wild.listening->local_endpoint().transport == transport::ipc); // inert, but still there
}

TEST_CASE("an ipc path of 107 bytes works, and a longer one is refused by name")
{
    temporary_folder folder;
    rig on;
    const std::string longest = folder.file(std::string(107 - folder.path().size() - 1, 'p'));
    REQUIRE(longest.size() == 107);
    if (sizeof sockaddr_un::sun_path <= longest.size())
        SLK_SKIP("this system's addresses are shorter");
    const ipc_server peer(*on, longest);
    REQUIRE(peer.listening.has_value());
    CHECK(answers(on, longest));
    listener_options options;
    options.at.transport = transport::ipc;
    options.at.host = longest + "p"; // parse would not read it
    const auto refused = listener::create(*on, options, {});
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error() == errc::invalid_argument);
    CHECK(std::string(refused.error().detail) == "the path is longer than 107 bytes");
}

TEST_CASE("a relative ipc path is one of the current directory, and its file is removed from there")
{
    temporary_folder folder;
    rig on;
    std::optional<ipc_server> peer;
    {
        const inside here(folder.path());
        peer.emplace(*on, "socket");
        REQUIRE(peer->listening.has_value());
        CHECK(answers(on, "socket"));
        CHECK(to_string(peer->listening->local_endpoint()) == "ipc://socket");
    }
    CHECK(answers(on, folder.file("socket")));
    CHECK_FALSE(answers(on, "socket"));
    peer.reset();
    CHECK(folder.is_empty());
}

TEST_CASE("an ipc wildcard listens in a folder of its own, which goes with it")
{
    temporary_folder folder;
    const temporary_variables none;
    const std::string missing = folder.file("missing");
    const auto listens_below = [&](rig& on, const std::string& begin) {
        ipc_server first(*on, "*");
        ipc_server second(*on, "*");
        REQUIRE(first.listening.has_value());
        REQUIRE(second.listening.has_value());
        const std::string path = first.listening->local_endpoint().host;
        CAPTURE(path);
        CHECK(path.starts_with(begin + "tmp"));
        CHECK(path.ends_with("/socket"));
        CHECK(path.size() == begin.size() + std::string("tmpXXXXXX/socket").size());
        CHECK(path != second.listening->local_endpoint().host);
        CHECK(answers(on, path));
        CHECK(answers(on, second.listening->local_endpoint().host));
        struct stat kept{};
        REQUIRE(::stat(path.substr(0, path.rfind('/')).c_str(), &kept) == 0);
        CHECK((kept.st_mode & 0777) == 0700);
    };
    rig on;
    for (const char* const name : {"TMP", "TEMPDIR", "TMPDIR"}) {
        CAPTURE(name);
        const std::string below = folder.file(name);
        fs::create_directory(below);
        ::setenv(name, below.c_str(), 1); // takes precedence over the earlier ones
        listens_below(on, below + "/");
        CHECK(fs::is_empty(below));
    }
    ::setenv("TMPDIR", missing.c_str(), 1);
    listens_below(on, folder.file("TEMPDIR") + "/");
    for (const char* const name : {"TMP", "TEMPDIR", "TMPDIR"})
        ::unsetenv(name);
    const inside here(folder.path());
    listens_below(on, "/tmp/");
    CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 3);
}

TEST_CASE("a path with a listener is in use, and that listener goes on")
{
    temporary_folder folder;
    const std::string path = folder.file("socket");
    rig on;
    ipc_server first(*on, path);
    REQUIRE(first.listening.has_value());
    const ino_t file = inode_of(path);
    const ipc_server second(*on, path);
    CHECK_FALSE(second.listening.has_value());
    CHECK(second.failure == errc::address_in_use);
    CHECK(second.failure.phase == phase::listen);
    CHECK(second.detail() == "another listener uses the path");
    CHECK(inode_of(path) == file);
    CHECK(answers(on, path));
}

TEST_CASE("a path whose listener has a full queue is in use")
{
    temporary_folder folder;
    const std::string path = folder.file("socket");
    foreign_socket first;
    first.bind(path);
    first.listen(1);
    rig on;
    std::vector<link> queued;
    for (int i = 0; i < 4; ++i) {
        queued.push_back(make_link(*on, ipc(path), quick()));
        queued.back().start();
    }
    REQUIRE(on.until([&] { return queued.back().status().attempt > 0; }));
    const ipc_server second(*on, path);
    CHECK(second.failure == errc::address_in_use);
    CHECK(fs::is_socket(path));
}

TEST_CASE("the file of a socket without a listener is replaced")
{
    temporary_folder folder;
    const std::string path = folder.file("socket");
    for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
        CAPTURE(type);
        foreign_socket dead(type);
        dead.bind(path);
        dead.close();
        REQUIRE(fs::is_socket(path));
        rig on;
        const ipc_server peer(*on, path);
        REQUIRE(peer.listening.has_value());
        CHECK(answers(on, path));
    }
    CHECK(folder.is_empty());
}

TEST_CASE("the path of a socket of another kind is in use")
{
    temporary_folder folder;
    const std::string path = folder.file("socket");
    foreign_socket datagrams(SOCK_DGRAM);
    datagrams.bind(path);
    const ino_t file = inode_of(path);
    rig on;
    const ipc_server peer(*on, path);
    CHECK(peer.failure == errc::address_in_use);
    CHECK(inode_of(path) == file);
}

TEST_CASE("a file that is not a socket is never removed, and its path is in use")
{
    temporary_folder folder;
    make_file(folder.file("file"));
    fs::create_directory(folder.file("folder"));
    fs::create_symlink(folder.file("file"), folder.file("link"));
    fs::create_symlink(folder.file("nowhere"), folder.file("dangling"));
    REQUIRE(::mkfifo(folder.file("pipe").c_str(), 0600) == 0);
    rig on;
    for (const char* const name : {"file", "folder", "link", "dangling", "pipe"}) {
        CAPTURE(name);
        const ino_t file = inode_of(folder.file(name));
        const ipc_server peer(*on, folder.file(name));
        CHECK_FALSE(peer.listening.has_value());
        CHECK(peer.failure == errc::address_in_use);
        CHECK(peer.detail() == "a file of that name exists, and it is not a socket");
        CHECK(inode_of(folder.file(name)) == file);
    }
    CHECK(fs::file_size(folder.file("file")) == 4);
    CHECK_FALSE(fs::exists(folder.file("nowhere")));
}

TEST_CASE("an ipc listener leaves a file alone that has taken the place of its own")
{
    temporary_folder folder;
    const std::string path = folder.file("socket");
    rig on;
    std::optional<ipc_server> first(std::in_place, *on, path);
    REQUIRE(first->listening.has_value());
    SUBCASE("the socket of another listener")
    {
        fs::remove(path); // as libzmq does
        ipc_server second(*on, path);
        REQUIRE(second.listening.has_value());
        first.reset();
        CHECK(answers(on, path));
    }
    SUBCASE("a file that is no socket")
    {
        fs::remove(path);
        make_file(path);
        first.reset();
        CHECK(fs::is_regular_file(path));
    }
    SUBCASE("nothing")
    {
        fs::rename(path, folder.file("moved"));
        first.reset();
        CHECK(fs::is_socket(folder.file("moved")));
    }
}

TEST_CASE("a fork of an ipc listener's process does not take the file with it")
{
    temporary_folder folder;
    const std::string path = folder.file("socket");
    auto name = io::os::local_name::choose(path);
    REQUIRE(name.has_value());
    foreign_socket bound;
    bound.bind(path);
    (*name)->taken();
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        (*name)->end();
        ::_exit(0);
    }
    REQUIRE(::waitpid(child, nullptr, 0) == child);
    CHECK(fs::is_socket(path));
    name->reset();
    CHECK(folder.is_empty());
}

TEST_CASE("a directory that is missing or not writable is the error's detail")
{
    temporary_folder folder;
    make_file(folder.file("file"));
    rig on;
    const ipc_server missing(*on, folder.file("no/socket"));
    CHECK(missing.failure == errc::address_not_available);
    CHECK(missing.failure.native == ENOENT);
    CHECK(missing.failure.phase == phase::listen);
    CHECK(missing.detail() == "the directory does not exist");
    const ipc_server below_a_file(*on, folder.file("file/socket"));
    CHECK(below_a_file.failure == errc::address_not_available);
    CHECK(below_a_file.detail() == "a part of the path is not a directory");
}

TEST_CASE("without the permission an ipc listener and an ipc link fail with permission_denied")
{
    temporary_folder folder;
    const std::string path = folder.file("socket");
    rig on;
    const ipc_server good(*on, path);
    REQUIRE(good.listening.has_value());
    const unprivileged user;
    if (!unprivileged::possible())
        SLK_SKIP("this user may do everything");
    std::error_code ignored; // the directory is root's, or this user's
    fs::permissions(folder.path(), fs::perms::none, ignored);
    const ipc_server refused(*on, folder.file("other"));
    CHECK(refused.failure == errc::permission_denied);
    CHECK(refused.detail() == "no file may be made in the directory");
    link dialling = make_link(*on, ipc(path), quick());
    dialling.start();
    CHECK(on.until([&] { return dialling.status().last_error == errc::permission_denied; }));
    fs::permissions(folder.path(), fs::perms::owner_all, ignored);
}

TEST_CASE("one of many listeners at the same dead path gets it")
{
    const temporary_folder folder;
    constexpr int many = 8;
    for (int round = 0; round < 20; ++round) {
        const std::string path = folder.file("socket" + std::to_string(round));
        foreign_socket dead;
        dead.bind(path);
        dead.close();
        std::vector<error> failures(many);
        std::vector<std::thread> threads;
        std::barrier meet(many);
        for (error& failure : failures)
            threads.emplace_back([&] {
                const io::listen_settings settings{.path = path};
                meet.arrive_and_wait();
                const auto made = io::os::open_local_listener(settings);
                failure = made ? error{} : made.error();
                meet.arrive_and_wait();
                if (made)
                    io::os::close(*made, io::close_mode::graceful);
            });
        for (std::thread& each : threads)
            each.join();
        CHECK(std::ranges::count(failures, error{}) == 1);
        CHECK(std::ranges::count(failures, error{errc::address_in_use}) == many - 1);
    }
}

} // namespace slk::link_tests
