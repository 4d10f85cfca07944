#include "acl_table.h"

namespace afxfw {

bool AclTable::available() { return false; }
std::unique_ptr<AclTable> AclTable::build(const std::vector<Box>&, std::size_t) { return nullptr; }

}  // namespace afxfw
