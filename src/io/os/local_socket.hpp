// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_OS_LOCAL_SOCKET_HPP
#define SLK_IO_OS_LOCAL_SOCKET_HPP

/// Unix domain stream sockets and their names. Implemented twice, like system.hpp; Windows refuses.
///
/// A name is a path of at most 107 bytes or, on Linux, "@" and an abstract name. It is passed
/// beside the address, which does not contain it.

#include <serverlink/error.hpp>
#include <serverlink/result.hpp>

#include "io/socket_option.hpp"
#include "io/socket_table.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace slk::io::os {

inline constexpr const char* no_local_sockets = "ipc needs a POSIX system";

/// not_supported, with a detail, where there are no such sockets or no such names; invalid_argument
/// for a path that is too long for the system's addresses.
[[nodiscard]] result<void> check_local_name(std::string_view path);

/// Translates a failure to its meaning for the user of a path; `in` is phase::connect or
/// phase::listen. A name that does not exist is refused, and so is a listener whose queue is full:
/// Linux returns EAGAIN then, and a socket that waited would never become writable.
[[nodiscard]] error translate_local(int native, phase in) noexcept;

/// Binds and listens at `settings.path`. The file of a socket without a listener is replaced. A
/// socket with a listener, and a file that is no socket, is address_in_use. To find out, this
/// function connects to the socket: a living listener sees one connection that ends at once.
[[nodiscard]] result<native_handle> open_local_listener(const listen_settings& settings);

/// The name of a listener, and its file, if there is one.
class local_name {
public:
    /// "*" makes a directory for the file: <dir>/tmpXXXXXX, where <dir> is the first directory of
    /// TMPDIR, TEMPDIR and TMP, else the current one.
    [[nodiscard]] static result<std::unique_ptr<local_name>> choose(const std::string& name);
    /// As end().
    ~local_name();
    local_name(const local_name&) = delete;
    local_name& operator=(const local_name&) = delete;

    /// The path to bind to. Never changes.
    [[nodiscard]] const std::string& path() const noexcept { return path_; }

    /// Called when a socket has been bound: remembers the file's identity.
    void taken() noexcept;
    /// Removes the file, if it is still the listener's. To be called before the socket is closed:
    /// while it is open, no other file has the number of its inode.
    void give_back() noexcept;
    /// Gives the name up, and removes the directory that was made for it.
    void end() noexcept;

private:
    local_name() = default;
    [[nodiscard]] result<void> make_directory();

    std::string path_;
    std::string file_; ///< the path, independent of the current directory; empty if abstract
    std::string directory_; ///< the one that was made; or empty
    std::uint64_t device_ = 0;
    std::uint64_t inode_ = 0;
    std::int64_t process_ = 0; ///< a fork's copy of a listener must not remove the parent's file
    bool taken_ = false;
};

} // namespace slk::io::os

#endif
