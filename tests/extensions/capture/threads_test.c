#include "capture_lab.h"
int main(void)
{
	return 0;
}
