export { userService } from './service.ts';
