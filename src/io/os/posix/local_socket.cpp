// SPDX-License-Identifier: MPL-2.0
#include "io/os/local_socket.hpp"

#include "base/try_allocate.hpp"
#include "io/os/posix/sockaddr.hpp"
#include "io/os/system.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <new>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace slk::io::os {

namespace {

#if defined(__linux__)
constexpr bool has_abstract_names = true;
#else
constexpr bool has_abstract_names = false;
#endif

/// The number of tries for a name that others take and give up repeatedly.
constexpr int max_tries = 8;
constexpr int pause_before_second_look_ms = 1;
/// The wait for others that make a socket in the same directory: they need little more than that
/// pause.
constexpr int max_waits_for_lock = 100;

const char* meaning_of(int native, phase in) noexcept
{
    const bool connecting = in == phase::connect;
    switch (native) {
    case ENOENT: return connecting ? "there is no such socket" : "the directory does not exist";
    case ENOTDIR: return "a part of the path is not a directory";
    case ELOOP: return "the path has too many symbolic links";
    case EAGAIN: return "the listener's queue is full";
    case EPROTOTYPE: return "the socket there is not a stream socket";
    case EACCES:
    case EPERM:
        return connecting ? "the socket, or its directory, is not accessible"
                          : "no file may be made in the directory";
    case EROFS: return "the file system is read-only";
    default: return nullptr;
    }
}

unexpected in_use(const char* why)
{
    return fail({errc::address_in_use, phase::listen, EADDRINUSE, why});
}

/// A path of a socket, for the system's calls.
struct path_text {
    explicit path_text(std::string_view path) noexcept
    {
        path.copy(text, std::min(path.size(), sizeof text - 1));
    }

    char text[sizeof sockaddr_un::sun_path + 1] = {};
};

/// Connects to the path: errc::ok if there is a listener.
error probe(std::string_view path) noexcept
{
    const auto opened = open_stream(address_family::local);
    if (!opened)
        return opened.error();
    const native_address native = to_native(path);
    const bool connected = ::connect(static_cast<int>(*opened), native.get(), native.length) == 0;
    const int failure = connected ? 0 : errno;
    close(*opened, close_mode::graceful);
    return failure == 0 ? error{} : error{errc::unknown, phase::listen, failure, nullptr};
}

bool is_dead(const error& seen) noexcept
{
    return seen.native == ECONNREFUSED;
}

/// Two listeners that find the same dead socket must not both remove the file: the second one would
/// remove the first one's new socket, which looks dead until it listens. So a listener locks the
/// directory while it makes its socket. Without the permission to read the directory, or on a file
/// system without locks, it works without the lock.
class directory_lock {
public:
    explicit directory_lock(std::string_view path) noexcept
    {
        const std::size_t slash = path.rfind('/');
        const path_text directory(
            slash == std::string_view::npos ? "." : path.substr(0, slash == 0 ? 1 : slash));
        fd_ = ::open(directory.text, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    directory_lock(const directory_lock&) = delete;
    directory_lock& operator=(const directory_lock&) = delete;
    ~directory_lock()
    {
        if (fd_ >= 0)
            (void)::close(fd_); // ends the lock
    }

    /// Returns false if another process keeps the lock.
    [[nodiscard]] bool take() noexcept
    {
        for (int waits = 0; waits < max_waits_for_lock; ++waits) {
            if (fd_ < 0 || ::flock(fd_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
                return true;
            (void)::poll(nullptr, 0, 1);
        }
        return false;
    }

private:
    int fd_;
};

/// Frees the name if it is a dead socket's. Under the directory's lock.
result<void> make_room(std::string_view path)
{
    const path_text file(path);
    struct stat before{};
    if (::lstat(file.text, &before) != 0)
        return errno == ENOENT ? result<void>{} : fail(translate_local(errno, phase::listen));
    if (!S_ISSOCK(before.st_mode))
        return in_use("a file of that name exists, and it is not a socket");
    error seen = probe(path);
    // Between its bind and its listen a new listener looks dead. One that does not use the lock
    // stays so for a short time only.
    if (is_dead(seen)) {
        (void)::poll(nullptr, 0, pause_before_second_look_ms);
        seen = probe(path);
    }
    if (seen.native == ENOENT)
        return {};
    if (seen.native == EACCES || seen.native == EPERM)
        return in_use("a socket of another user exists there");
    if (seen && !is_dead(seen) && seen.code != errc::unknown)
        return fail(seen); // no descriptor to look with
    if (!is_dead(seen))
        return in_use("another listener uses the path");
    // A process that does not use the lock may have replaced the file meanwhile.
    struct stat now{};
    const bool same = ::lstat(file.text, &now) == 0 && now.st_dev == before.st_dev &&
                      now.st_ino == before.st_ino && now.st_ctime == before.st_ctime;
    if (same && ::unlink(file.text) != 0 && errno != ENOENT) {
        error failure = translate_local(errno, phase::listen);
        failure.detail = "the file of a dead listener cannot be removed";
        return fail(failure);
    }
    return {};
}

result<native_handle> bind_and_listen(const native_address& local, int backlog)
{
    SLK_TRY(const native_handle handle, open_stream(address_family::local));
    const int fd = static_cast<int>(handle);
    if (::bind(fd, local.get(), local.length) == 0 && ::listen(fd, backlog) == 0)
        return handle;
    const error failure = translate_local(errno, phase::listen);
    close(handle, close_mode::graceful);
    return fail(failure);
}

bool is_directory(const char* path) noexcept
{
    struct stat found{};
    return path != nullptr && *path != '\0' && ::stat(path, &found) == 0 && S_ISDIR(found.st_mode);
}

/// Empty for the current directory, where nothing else is there.
std::string_view temporary_directory() noexcept
{
    for (const char* const name : {"TMPDIR", "TEMPDIR", "TMP"})
        if (const char* const value = std::getenv(name); is_directory(value))
            return value;
    return is_directory("/tmp") ? "/tmp" : "";
}

/// Relative paths change with the process' current directory; this path does not. Empty when memory
/// is exhausted.
std::string fixed(std::string_view path) noexcept
{
    char here[PATH_MAX];
    if (path.starts_with('/') || ::getcwd(here, sizeof here) == nullptr)
        return joined({path});
    return joined({here, "/", path});
}

} // namespace

result<void> check_local_name(std::string_view path)
{
    if (path.starts_with('@') && !has_abstract_names)
        return fail(errc::not_supported, phase::setup, "abstract names of sockets are Linux's");
    if (path.size() >= sizeof sockaddr_un::sun_path)
        return fail(errc::invalid_argument, phase::setup,
                    "the path is longer than this system's addresses");
    return {};
}

error translate_local(int native, phase in) noexcept
{
    error failure = translate(native, phase::none);
    failure.phase = in;
    failure.detail = meaning_of(native, in);
    const bool connecting = in == phase::connect;
    if (native == ENOENT || native == ENOTDIR || native == ELOOP)
        failure.code = connecting ? errc::connection_refused : errc::address_not_available;
    else if (native == EAGAIN && connecting)
        failure.code = errc::connection_refused;
    return failure;
}

result<native_handle> open_local_listener(const listen_settings& settings)
{
    SLK_TRY(check_local_name(settings.path));
    const std::string_view path = settings.path;
    const native_address local = to_native(path);
    if (path.starts_with('@')) {
        auto opened = bind_and_listen(local, settings.backlog);
        if (!opened && opened.error() == errc::address_in_use)
            return in_use("another listener uses the path");
        return opened;
    }
    directory_lock lock(path);
    const bool locked = lock.take();
    for (int tries = 1;; ++tries) {
        auto opened = bind_and_listen(local, settings.backlog);
        if (opened || opened.error() != errc::address_in_use || tries == max_tries)
            return opened;
        if (!locked)
            return in_use("another process holds the lock of the directory");
        SLK_TRY(make_room(path));
    }
}

result<std::unique_ptr<local_name>> local_name::choose(const std::string& name)
{
    std::unique_ptr<local_name> chosen(new (std::nothrow) local_name);
    if (chosen == nullptr)
        return fail(errc::out_of_memory, phase::setup);
    chosen->process_ = ::getpid();
    if (name == "*")
        SLK_TRY(chosen->make_directory());
    else if (!try_assign(chosen->path_, name))
        return fail(errc::out_of_memory, phase::setup);
    if (!chosen->path_.starts_with('@')) {
        chosen->file_ = fixed(chosen->path_);
        if (chosen->file_.empty())
            return fail(errc::out_of_memory, phase::setup);
    }
    return chosen;
}

/// A new directory, with the path in it. All texts have their memory before there is a directory to
/// be removed.
result<void> local_name::make_directory()
{
    constexpr std::size_t changed = 6; // mkdtemp(3) changes the last characters
    const std::string_view parent = temporary_directory();
    const bool separated = parent.empty() || parent.ends_with('/');
    std::string made = joined({parent, separated ? "" : "/", "tmpXXXXXX"});
    std::string path = joined({made, "/socket"});
    std::string everywhere = fixed(made);
    if (made.empty() || path.empty() || everywhere.empty())
        return fail(errc::out_of_memory, phase::setup);
    if (!check_local_name(path))
        return fail(errc::invalid_argument, phase::listen,
                    "the path of the directory for temporary files is too long");
    if (::mkdtemp(made.data()) == nullptr)
        return fail(translate_local(errno, phase::listen));
    const std::string_view last = std::string_view(made).substr(made.size() - changed);
    path.replace(made.size() - changed, changed, last);
    everywhere.replace(everywhere.size() - changed, changed, last);
    path_ = std::move(path);
    directory_ = std::move(everywhere);
    return {};
}

local_name::~local_name()
{
    end();
}

void local_name::taken() noexcept
{
    struct stat found{};
    taken_ = !file_.empty() && ::lstat(file_.c_str(), &found) == 0;
    device_ = static_cast<std::uint64_t>(found.st_dev);
    inode_ = static_cast<std::uint64_t>(found.st_ino);
}

void local_name::give_back() noexcept
{
    struct stat found{};
    const bool ours = std::exchange(taken_, false) && process_ == ::getpid() &&
                      ::lstat(file_.c_str(), &found) == 0 && S_ISSOCK(found.st_mode) &&
                      device_ == static_cast<std::uint64_t>(found.st_dev) &&
                      inode_ == static_cast<std::uint64_t>(found.st_ino);
    if (ours)
        (void)::unlink(file_.c_str());
}

void local_name::end() noexcept
{
    give_back();
    if (!directory_.empty() && process_ == ::getpid())
        (void)::rmdir(directory_.c_str());
    directory_.clear();
}

} // namespace slk::io::os
