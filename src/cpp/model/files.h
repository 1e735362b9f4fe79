// Whole files. Throws Failure (FASTNN_CANNOT_READ) where the system refuses.
#ifndef FASTNN_MODEL_FILES_H
#define FASTNN_MODEL_FILES_H

#include <string>

namespace fastnn {

std::string read_file(const char* path);

// Whatever happens there is the old file or the new one, and a symbolic link stays one.
void write_file(const char* path, const std::string& contents);

}  // namespace fastnn

#endif
