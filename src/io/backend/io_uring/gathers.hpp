// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_BACKEND_IO_URING_GATHERS_HPP
#define SLK_IO_BACKEND_IO_URING_GATHERS_HPP

/// The buffer lists of sends that the kernel has not taken yet. It copies a list when it takes the
/// submission (IORING_FEAT_SUBMIT_STABLE), so they are needed between two calls only.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include <liburing.h>
#include <sys/socket.h>
#include <sys/uio.h>

namespace slk::io::uring {

class gathers {
public:
    static constexpr std::size_t max_parts = 64;
    /// Bytes offered in one call: the result has 31 bits.
    static constexpr std::size_t max_bytes = std::size_t{1} << 30;

    /// The buffers that are not empty, as many as fit.
    static std::span<const iovec> collect(std::span<const std::span<const std::byte>> buffers,
                                          std::span<iovec, max_parts> into) noexcept
    {
        std::size_t count = 0;
        std::size_t room = max_bytes;
        for (const std::span<const std::byte> buffer : buffers) {
            if (count == max_parts || room == 0)
                break;
            if (buffer.empty())
                continue;
            const std::size_t size = std::min(buffer.size(), room);
            // A send only reads, although the type is not const.
            into[count++] = {const_cast<std::byte*>(buffer.data()), size};
            room -= size;
        }
        return into.first(count);
    }

    /// Offers all parts or, when there is no place for their list, the first one.
    void prepare(io_uring_sqe& sqe, int descriptor, std::span<const iovec> parts) noexcept
    {
        if (parts.size() == 1 || used_ == max_lists)
            return io_uring_prep_send(&sqe, descriptor, parts[0].iov_base, parts[0].iov_len,
                                      MSG_NOSIGNAL);
        list& mine = lists_[used_++];
        std::copy(parts.begin(), parts.end(), mine.parts);
        mine.message = {};
        mine.message.msg_iov = mine.parts;
        mine.message.msg_iovlen = parts.size();
        io_uring_prep_sendmsg(&sqe, descriptor, &mine.message, MSG_NOSIGNAL);
    }

    /// Called when the kernel has taken all prepared requests.
    void clear() noexcept { used_ = 0; }

private:
    static constexpr std::size_t max_lists = 16;
    struct list {
        msghdr message;
        iovec parts[max_parts];
    };

    std::size_t used_ = 0;
    list lists_[max_lists];
};

} // namespace slk::io::uring

#endif
