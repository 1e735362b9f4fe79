// fastnn from C++17, header only over fastnn.h: views instead of pointers and sizes, exceptions instead of status
// codes, one name for float and double, and owners of what is made.
#ifndef FASTNN_HPP
#define FASTNN_HPP

#include "base.hpp"
#include "network.hpp"
#include "operations.hpp"
#include "training.hpp"

#endif
