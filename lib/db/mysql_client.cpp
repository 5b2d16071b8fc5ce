// Boost.MySQL itself, compiled once. Every file that includes it defines BOOST_MYSQL_SEPARATE_COMPILATION, which
// CMakeLists.txt does for this library.
#include <boost/mysql/src.hpp>
