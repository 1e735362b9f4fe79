#include "files.h"

#include <cstdio>
#include <cstdlib>
#include <memory>

#include "failure.h"

#if defined(_WIN32)
#include <io.h>
#include <windows.h>
#else
#include <fcntl.h>
#include <unistd.h>
#endif

namespace fastnn {
namespace {

struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Close>;

bool write_all(std::FILE* file, const std::string& contents) {
    if (std::fwrite(contents.data(), 1, contents.size(), file) != contents.size()) return false;
    if (std::fflush(file) != 0) return false;
#if defined(_WIN32)
    return _commit(_fileno(file)) == 0;
#else
    return fsync(fileno(file)) == 0;
#endif
}

#if defined(_WIN32)

std::string target_of(const char* path) { return path; }

bool replace(const std::string& from, const std::string& to) {
    return MoveFileExA(from.c_str(), to.c_str(), MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH) != 0;
}

#else

std::string target_of(const char* path) {
    char* const real = realpath(path, nullptr);
    if (real == nullptr) return path;
    std::string result;
    try {
        result = real;
    } catch (...) {
        std::free(real);
        throw;
    }
    std::free(real);
    return result;
}

// Makes the new name last, where the system lets a directory be synced.
void sync_directory_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    const int handle = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (handle < 0) return;
    fsync(handle);
    close(handle);
}

bool replace(const std::string& from, const std::string& to) {
    if (std::rename(from.c_str(), to.c_str()) != 0) return false;
    sync_directory_of(to);
    return true;
}

#endif

}  // namespace

std::string read_file(const char* path) {
    const File file(std::fopen(path, "rb"));
    require(file != nullptr, FASTNN_CANNOT_READ);
    std::string contents;
    std::size_t size = 0;
    do {
        // Doubled: the length that a system tells beforehand is not that of every kind of file.
        constexpr std::size_t kFirst = 65536;
        contents.resize(size == 0 ? kFirst : 2 * size);
        size += std::fread(&contents[size], 1, contents.size() - size, file.get());
    } while (size == contents.size());
    require(std::ferror(file.get()) == 0, FASTNN_CANNOT_READ);
    contents.resize(size);
    return contents;
}

void write_file(const char* path, const std::string& contents) {
    const std::string target = target_of(path);
    // "x": a file of that name is never another's.
    File file;
    std::string scratch;
    constexpr int kTries = 100;
    for (int i = 0; i < kTries && file == nullptr; ++i) {
        scratch = target + '.' + std::to_string(i) + ".tmp";
        file.reset(std::fopen(scratch.c_str(), "wbx"));
    }
    require(file != nullptr, FASTNN_CANNOT_READ);
    const bool written = write_all(file.get(), contents);
    const bool closed = std::fclose(file.release()) == 0;
    if (!written || !closed || !replace(scratch, target)) {
        std::remove(scratch.c_str());
        fail(FASTNN_CANNOT_READ);
    }
}

}  // namespace fastnn
