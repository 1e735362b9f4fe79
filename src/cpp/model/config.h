// The arguments of a layer, a loss or an optimizer, as a document holds them. Whatever is missing without a default, of
// a wrong type, or more than was asked for throws Failure (FASTNN_BAD_MODEL).
#ifndef FASTNN_MODEL_CONFIG_H
#define FASTNN_MODEL_CONFIG_H

#include <cstdint>
#include <limits>
#include <string_view>

#include "failure.h"
#include "json.h"

namespace fastnn {

inline void require_model(bool condition) { require(condition, FASTNN_BAD_MODEL); }

// A member that must be there.
const Json& member_of(const Json& object, std::string_view key);
std::int64_t integer_of(const Json& value, std::int64_t least, std::int64_t most);

// Each argument is taken once, and at the end all must have been.
class Config {
   public:
    explicit Config(const Json& object) : object_(object) { require_model(object.is(Json::Type::object)); }

    // Null if it is missing or null.
    const Json* take(std::string_view key);
    void skip(std::string_view key) { take(key); }
    // A number from `least` to `most`.
    double real(std::string_view key, double otherwise, double least, double most);
    // A finite number.
    double finite(std::string_view key, double otherwise, double least = -std::numeric_limits<double>::max()) {
        return real(key, otherwise, least, std::numeric_limits<double>::max());
    }
    bool flag(std::string_view key, bool otherwise);
    void end() const { require_model(taken_ == object_.items.size()); }

   private:
    const Json& object_;
    std::size_t taken_ = 0;
};

// {"class_name": ..., "config": {...}}
struct Described {
    std::string_view name;
    const Json* config;
};
Described described(const Json& value);
Json describe(std::string_view name, Json config);

}  // namespace fastnn

#endif
