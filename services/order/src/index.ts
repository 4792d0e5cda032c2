export { orders } from './application/order-view.ts';
export { orderService } from './service.ts';
